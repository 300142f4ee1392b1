import { expect, spyOn, test } from "bun:test";
import dns from "node:dns/promises";
import { isPrivate } from "../../../../src/network/address.ts";
import { perform, testContext, testServices } from "../../operations/services.ts";
import type { LuaValue } from "../../../../src/vm/value.ts";
import { cleanAfterTest } from "../../../cleanup.ts";
import { certificate, key } from "./certificate.ts";
import { serve } from "./servers.ts";

test.each([
  "0.0.0.0",
  "10.1.2.3",
  "100.64.0.1",
  "127.0.0.1",
  "127.255.255.254",
  "169.254.169.254",
  "172.16.0.1",
  "172.31.255.255",
  "192.168.1.1",
  "198.18.0.1",
  "224.0.0.1",
  "255.255.255.255",
  "::",
  "::1",
  "::ffff:127.0.0.1",
  "::ffff:7f00:1",
  "::127.0.0.1",
  "64:ff9b::10.0.0.1",
  "2002:7f00:1::",
  "fc00::1",
  "fd12:3456::1",
  "fe80::1",
  "fe80::1%eth0",
  "ff02::1",
])("%s is private", (address) => expect(isPrivate(address)).toBe(true));

test.each([
  "1.1.1.1",
  "11.0.0.1",
  "100.128.0.1",
  "172.32.0.1",
  "192.169.0.1",
  "223.255.255.255",
  "::ffff:8.8.8.8",
  "64:ff9b::8.8.8.8",
  "2002:808:808::",
  "2606:4700::1111",
])("%s is public", (address) => expect(isPrivate(address)).toBe(false));

/** Lets names resolve to these addresses, one list for each look-up. */
function resolving(...answers: string[][]) {
  const spy = spyOn(dns, "lookup").mockImplementation(
    (() => Promise.resolve(answers.shift()!.map((address) => ({ address, family: 4 })))) as never,
  );
  cleanAfterTest(() => spy.mockRestore());
  return spy;
}

const context = () => testContext(testServices());

async function send(url: string, granted: string[], options: Record<string, LuaValue> = {}) {
  const prepared = await perform(context(), "http_client.prepare", "GET", url, options) as {
    request: LuaValue;
  };
  const all = [...granted, `http_client.request ${url}`];
  return await perform(context(), "http_client.send", prepared.request, undefined, all) as {
    needs?: { action: string; resource: string; message: string }[];
    response?: { body: Uint8Array; url: string };
  };
}

test.each([
  "http://127.0.0.1/",
  "http://2130706433/",
  "http://0x7f.1/",
  "http://0177.0.0.1/",
  "http://[::ffff:127.0.0.1]/",
  "http://127.1/",
])("%s needs the permission for a private address before anything is sent", async (url) => {
  const { needs } = await perform(context(), "http_client.prepare", "GET", url, {}) as {
    needs: { action: string; message: string }[];
  };
  expect(needs.map(({ action }) => action)).toEqual([
    "http_client.request",
    "http_client.private_ip",
  ]);
  expect(needs[1]!.message).toMatch(/^not allowed: private IP (127\.0\.0\.1|::ffff:7f00:1)$/);
});

test("a name is resolved once: the connection goes to the address that was checked", async () => {
  const port = new URL(serve((request) => new Response(request.headers.get("host")))).port;
  const spy = resolving(["127.0.0.1"], ["10.0.0.1"]);
  const url = `http://shop.test:${port}/`;
  const { response } = await send(url, ["http_client.private_ip 127.0.0.1"]);
  expect(Buffer.from(response!.body).toString()).toBe(`shop.test:${port}`);
  expect(response!.url).toBe(url);
  expect(spy).toHaveBeenCalledTimes(1);
});

test("a name that resolves to another private address than was granted is asked for again", async () => {
  let requests = 0;
  const port = new URL(serve(() => {
    requests += 1;
    return new Response();
  })).port;
  resolving(["93.184.216.34", "127.0.0.1"]);
  const { needs } = await send(`http://shop.test:${port}/`, ["http_client.private_ip 10.0.0.1"]);
  expect(needs).toEqual([{
    action: "http_client.private_ip",
    resource: "127.0.0.1",
    message: "not allowed: private IP 127.0.0.1",
  }]);
  expect(requests).toBe(0);
});

test("a redirect is asked for before it is followed", async () => {
  let requests = 0;
  const inside = serve(() => {
    requests += 1;
    return new Response("secret");
  });
  const url = `${serve(() => Response.redirect(`${inside}/metadata`, 302))}/`;
  const granted = ["http_client.private_ip 127.0.0.1"];
  const { needs } = await send(url, granted);
  expect(needs!.map(({ resource }) => resource)).toEqual([`${inside}/metadata`]);
  expect(requests).toBe(0);
  const { response } = await send(url, [...granted, `http_client.request ${inside}/metadata`]);
  expect(Buffer.from(response!.body).toString()).toBe("secret");
});

test("a name that is not resolved in time: the timeout of the request ends it", async () => {
  const spy = spyOn(dns, "lookup").mockImplementation((() => new Promise(() => {})) as never);
  cleanAfterTest(() => spy.mockRestore());
  const failure = await send("http://shop.test/", [], { timeout: "20ms" }).catch((error) => error);
  expect(failure).toMatchObject({
    kind: "Internal",
    retryable: true,
    details: { code: "TIMEOUT", phase: "dns" },
  });
});

test("when an address refuses, the next one is tried", async () => {
  const port = new URL(serve(() => new Response("here"))).port;
  resolving(["127.0.0.2", "127.0.0.1"]);
  const granted = ["http_client.private_ip 127.0.0.1", "http_client.private_ip 127.0.0.2"];
  const { response } = await send(`http://shop.test:${port}/`, granted);
  expect(Buffer.from(response!.body).toString()).toBe("here");
});

test("TLS checks the name, not the address, and trusts `tls.ca` only where it is given", async () => {
  const port =
    new URL(serve(() => new Response("secure"), { tls: { key, cert: certificate } })).port;
  const granted = ["http_client.private_ip 127.0.0.1"];
  const failure = (promise: Promise<unknown>) =>
    promise.then(() => "a response", (error) => [error.kind, error.details.code]);
  const local = ["127.0.0.1"];
  resolving(local, local, local, local);
  const tls = { ca: certificate };
  const url = `https://shop.test:${port}/`;
  const { response } = await send(url, granted, { tls });
  expect(Buffer.from(response!.body).toString()).toBe("secure");
  expect(await failure(send(url, granted))).toEqual(["Internal", "DEPTH_ZERO_SELF_SIGNED_CERT"]);
  expect(await failure(send(`https://other.test:${port}/`, granted, { tls })))
    .toEqual(["Internal", "ERR_TLS_CERT_ALTNAME_INVALID"]);
  const insecure = { tls: { insecure_skip_verify: true } };
  const { needs } = await send(url, granted, insecure);
  expect(needs!.map(({ action }) => action)).toEqual(["http_client.insecure_tls"]);
});
