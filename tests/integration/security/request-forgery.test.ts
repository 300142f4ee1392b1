import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { mirror, serve } from "../../unit/modules/http_client/servers.ts";
import { allow, asService } from "./as_service.ts";

const page = readFileSync(join(import.meta.dir, "../../../docs/guide/security.md"), "utf8");
const section = page.slice(page.indexOf("## Requests that attackers choose"));

function block(language: string): string {
  return new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, "ms").exec(section)![1]!;
}

const policies = Object.fromEntries(
  (parse(block("yaml")) as { name: string }[]).map(({ name, ...fields }) => [name, fields]),
) as Record<string, Record<string, unknown>>;

/** Outcomes of calls with the policies of the guide, and more: kind and message of the error. */
function outcomes(calls: string[], more: Record<string, Record<string, unknown>> = {}) {
  const own = { ...policies, ...more, calls: allow(["logger.*", "process.*", "funcs.call"]) };
  const body = `
    local result = {}
    local function add(value, err)
      result[#result + 1] = err and err:kind() .. ": " .. err:message() or value or "nothing"
    end
    local http_client, websocket = require("http_client"), require("websocket")
    local function preview(url) return funcs.call("app:preview", url) end
    ${calls.map((call) => `add(${call})`).join("\n")}
    return result`;
  return asService({ actor: { id: "u" }, policies: Object.keys(own) }, body, {
    entries: own,
    functions: { preview: { modules: ["http_client"], source: block("lua") } },
  });
}

const refusedAddress = expect.stringMatching(/^PermissionDenied: not allowed: private IP /);
const refused = (action: string) =>
  expect.stringMatching(new RegExp(`^PermissionDenied: .*${action.replace(".", "\\.")}`));

test("with the policies of the guide, no request reaches this machine", async () => {
  let requests = 0;
  const inside = serve(() => {
    requests += 1;
    return new Response("secret");
  });
  const { port } = new URL(inside);
  const hosts = [
    "127.0.0.1",
    "2130706433",
    "0x7f.1",
    "0177.0.0.1",
    "[::ffff:127.0.0.1]",
    "localhost",
  ];
  const calls = hosts.flatMap((host) => [
    `preview("http://${host}:${port}/")`,
    `websocket.connect("ws://${host}:${port}/")`,
  ]);
  const found = await outcomes(calls) as unknown[];
  expect(found).toEqual(calls.map(() => refusedAddress));
  expect(requests).toBe(0);
});

test("nor does one on another way: sockets, unchecked certificates, networks", async () => {
  expect(
    await outcomes([
      `http_client.get("http://x/", { unix_socket = "/run/docker.sock" })`,
      `http_client.get("https://example.com/", { tls = { insecure_skip_verify = true } })`,
      `http_client.get("https://example.com/", { overlay_network = "app:net" })`,
      `websocket.connect("wss://example.com/", { overlay_network = "app:net" })`,
    ]),
  ).toEqual([
    refused("http_client.unix_socket"),
    refused("http_client.insecure_tls"),
    refused("select network"),
    refused("select network"),
  ]);
});

test("one address can be opened; a redirect from it to another is refused", async () => {
  const other = serve(mirror, { hostname: "127.0.0.2" });
  const opened = serve((request, url) =>
    url.pathname === "/away" ? Response.redirect(`${other}/`, 302) : mirror(request, url)
  );
  const found = await outcomes(
    [`preview("${opened}/here"):match('"path":"/here"')`, `preview("${opened}/away")`],
    { opened: allow("http_client.private_ip", "127.0.0.1") },
  );
  expect(found).toEqual([
    '"path":"/here"',
    "PermissionDenied: not allowed: private IP 127.0.0.2",
  ]);
});
