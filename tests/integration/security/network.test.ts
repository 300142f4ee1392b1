import { expect, test } from "bun:test";
import { serve } from "../../unit/modules/http_client/servers.ts";
import { serveProxy } from "../../unit/network/proxies.ts";
import { startApplication } from "../application.ts";
import { allow, asService, unit } from "./as_service.ts";

/** Two networks, both of which know `inner.test`. */
async function networks() {
  const port = Number(new URL(serve(() => new Response("inside"))).port);
  const names = { "inner.test": port };
  const [one, two] = [
    await serveProxy("network.socks5", { names }),
    await serveProxy("network.http", { names }),
  ];
  const entry = (proxy: typeof one) => {
    const { kind, data } = proxy.entry("app:net");
    return { kind, ...data };
  };
  return { one, two, entries: { one: entry(one), two: entry(two) } };
}

const fetching = unit(`
  local res, err = require("http_client").get("http://inner.test/", { timeout = "5s" })
  return res and res.body or err:kind()`);

const allowed = {
  calls: allow(["logger.*", "process.*", "funcs.call"]),
  web: allow("http_client.request", "http://inner.test/"),
};

test("choosing a network needs a permission, before that for the URL; being given one needs none", async () => {
  const { entries } = await networks();
  const body = `
    local http_client = require("http_client")
    local denied = {}
    local _, err = http_client.get("http://inner.test/", { overlay_network = "app:two" })
    denied.http_client = { err:kind(), err:message() }
    local executor, refusal = funcs.new():with_options({ network = "app:two" })
    denied.funcs = { executor == nil, refusal:kind(), refusal:message() }
    local ok, raised = pcall(process.with_options, { network = "app:two" })
    denied.process = { ok, raised:kind() }
    return { denied, funcs.new():with_options({ network = "app:one" }):call("app:fetching") }`;
  const security = { actor: { id: "u" }, policies: ["calls", "web", "one_network"] };
  const more = {
    entries: { ...entries, ...allowed, one_network: allow("network.select", "app:one") },
    functions: { fetching },
  };
  const denial = "not allowed to select network: app:two";
  expect(await asService(security, body, more)).toEqual([{
    http_client: ["PermissionDenied", denial],
    funcs: [true, "PermissionDenied", denial],
    process: [false, "PermissionDenied"],
  }, "inside"]);
});

test("a literal private address needs its permission through a network too", async () => {
  const { entries } = await networks();
  const body = `
    local options = { overlay_network = "app:one" }
    local _, err = require("http_client").get("http://10.0.0.1/", options)
    return { err:kind(), err:message() }`;
  const security = { actor: { id: "u" }, policies: ["calls", "web", "select"] };
  const policies = {
    ...allowed,
    web: allow("http_client.request"),
    select: allow("network.select"),
  };
  expect(await asService(security, body, { entries: { ...entries, ...policies } }))
    .toEqual(["PermissionDenied", "not allowed: private IP 10.0.0.1"]);
});

test("what a unit starts has its network, unless it is given another", async () => {
  const { one, two, entries } = await networks();
  const application = await startApplication({
    entries,
    functions: {
      fetching,
      nested: unit(`
        local later = funcs.async("app:fetching"):response():receive()
        return { funcs.call("app:fetching"), later:data() }`),
      main: unit(`
        local inherited = assert(funcs.new():with_options({ network = "app:one" }):call("app:nested"))
        local spawned = process.with_options({ network = "app:two" }):exec("app:fetcher", "app:processes")
        return { inherited, spawned }`),
    },
    processes: { fetcher: unit('return funcs.call("app:fetching")') },
  });
  expect(await application.call("main")).toEqual([["inside", "inside"], "inside"]);
  expect([one.asked.length, two.asked.length]).toEqual([2, 1]);
});

test("network_service.default_network is the network of all others", async () => {
  const { one, entries } = await networks();
  const application = await startApplication({
    entries,
    functions: { fetching },
    config: { network_service: { default_network: "app:one" } },
  });
  expect(await application.call("fetching")).toBe("inside");
  expect(one.asked).toEqual(["inner.test:80"]);
});
