/** What a replay must see the same of the module `http_client`. Nothing listens at the port; the failure is recorded. */
export const probes = {
  ...Object.fromEntries(
    ["get", "put", "post", "delete", "head", "patch"].map((name) => [
      `http_client.${name}`,
      `http_client.${name}("http://127.0.0.1:1/", { query = { now = tostring(os.time()) } })`,
    ]),
  ),
  "http_client.request": `http_client.request("POST", "http://127.0.0.1:1/", {
    files = { { name = "a", content = "x" } }, timeout = "5s" })`,
  "http_client.request_batch":
    `http_client.request_batch({ { "GET", "http://127.0.0.1:1/" }, { "GET", "http://127.0.0.1:1/b" } })`,
  "http_client.encode_uri": `http_client.encode_uri("a b")`,
  "http_client.decode_uri": `http_client.decode_uri("a+b"), http_client.decode_uri("%")`,
};
