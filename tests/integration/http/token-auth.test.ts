import { expect, test } from "bun:test";
import { startWeb } from "./web.ts";

const allow = (action: string) => ({
  kind: "security.policy",
  policy: { actions: [action], resources: "*", effect: "allow" },
});

/** A server whose members have tokens; `options` are those of the middleware. */
async function startMembers(options: Record<string, string> = {}, store = {}) {
  const web = await startWeb({
    server: {
      lifecycle: {
        auto_start: true,
        security: { actor: { id: "web" }, policies: ["looks", "asks"] },
      },
    },
    router: {
      middleware: ["token_auth"],
      options: { "token_auth.store": "app:tokens", ...options },
    },
    routes: {
      "GET /who": `
        local security = require("security")
        local actor = security.actor()
        local function who()
          return { actor:id(), security.can("look", "x"), security.can("enter", "x") }
        end
        local called = funcs.call("app:who")
        res:write_json({ here = who(), called = called, team = actor:meta().team })`,
    },
    entries: {
      memory: { kind: "store.memory", lifecycle: { auto_start: true } },
      tokens: {
        kind: "security.token_store",
        store: "memory",
        token_key: "k".repeat(40),
        ...store,
      },
      looks: allow("look"),
      enters: allow("enter"),
      asks: allow("funcs.call"),
    },
    functions: {
      who: {
        modules: ["security"],
        source: `local security = require("security")
          return { main = function()
            return { security.actor():id(), security.can("look", "x"), security.can("enter", "x") }
          end }`,
      },
      login: {
        modules: ["security"],
        source: `local security = require("security")
          return { main = function(...)
            local policies = {}
            for i, name in ipairs({ ... }) do policies[i] = assert(security.policy("app:" .. name)) end
            local tokens = assert(security.token_store("app:tokens"))
            return assert(tokens:create(security.new_actor("ann", { team = "blue" }), security.new_scope(policies)))
          end }`,
      },
    },
  });
  const token = String(await web.application.call("login", "enters", "asks"));
  const who = async (headers: Record<string, string> = {}, query = "") =>
    await (await fetch(`${web.url}/who${query}`, { headers })).json() as Record<string, unknown>;
  return { ...web, token, who };
}

const ann = { here: ["ann", false, true], called: ["ann", false, true], team: "blue" };
const web = { here: ["web", true, false], called: ["web", true, false] };

test("header, query and cookie, in that order", async () => {
  const { token, who, application } = await startMembers();
  const bearer = { authorization: `Bearer ${token}` };
  const query = `?x-auth-token=${encodeURIComponent(token)}`;
  expect(await who()).toEqual(web);
  expect(await who(bearer)).toEqual(ann);
  expect(await who({}, query)).toEqual(ann);
  expect(await who({ cookie: `a=b; x-auth-token=${token}; c=d` })).toEqual(ann);
  expect(await who({ cookie: `x-auth-token="${token}"` })).toEqual(ann);
  // A header without the prefix is none.
  expect(await who({ authorization: `Basic ${token}` })).toEqual(web);
  expect(await who({ authorization: `Basic ${token}` }, query)).toEqual(ann);
  expect(await who({ authorization: `bearer ${token}` })).toEqual(web);
  // The first token that is there counts, also one that is wrong.
  expect(await who({ authorization: "Bearer wrong" }, query)).toEqual(web);
  expect(application.logs.filter(({ level }) => level === "error")).toEqual([]);
});

test("names of one's own", async () => {
  const { token, who } = await startMembers({
    "token_auth.header.name": "X-Key",
    "token_auth.header.prefix": "",
    "token_auth.query.param": "key",
    "token_auth.cookie.name": "sid",
  });
  expect(await who({ "x-key": token })).toEqual(ann);
  expect(await who({}, `?key=${encodeURIComponent(token)}`)).toEqual(ann);
  expect(await who({ cookie: `sid=${token}` })).toEqual(ann);
  expect(await who({ authorization: `Bearer ${token}`, cookie: `x-auth-token=${token}` }))
    .toEqual(web);
});

test("tokens that are not valid leave the identity of the server", async () => {
  const { token, who } = await startMembers();
  const [random, signature] = token.split(".");
  for (
    const wrong of [
      "",
      "x",
      `${random}`,
      `${random}.${signature}x`,
      `${random}.${"A".repeat(signature!.length)}`,
      `AAAA.${signature}`,
      "../../etc/passwd",
      "é",
      "x".repeat(5_000),
    ]
  ) {
    expect(await who({}, `?x-auth-token=${encodeURIComponent(wrong)}`)).toEqual(web);
  }
});

test("a token that has expired is none", async () => {
  const { token, who } = await startMembers({}, { default_expiration: "1ms" });
  expect(await who({ authorization: `Bearer ${token}` })).toEqual(web);
});

test("a token without policies may nothing, and a store that fails is logged", async () => {
  const { application, who } = await startMembers();
  const bare = String(await application.call("login"));
  // The function may not even call the other one.
  expect(await who({ authorization: `Bearer ${bare}` }))
    .toEqual({ here: ["ann", false, false], team: "blue" });
  await application.node.control.stopService("app:memory");
  expect(await who({ authorization: `Bearer ${bare}` })).toEqual(web);
  expect(application.logs.some(({ message }) => message.startsWith("token_auth: "))).toBe(true);
});

test("behind token_auth, firewalls ask for the identity of the token", async () => {
  const { url, application } = await startWeb({
    router: {
      middleware: ["token_auth"],
      options: { "token_auth.store": "app:tokens" },
      post_middleware: ["endpoint_firewall"],
      post_options: { "endpoint_firewall.action": "enter" },
    },
    routes: { "GET /": `res:write(require("security").actor():id())` },
    entries: {
      memory: { kind: "store.memory", lifecycle: { auto_start: true } },
      tokens: { kind: "security.token_store", store: "memory" },
      enters: allow("enter"),
      looks: allow("look"),
    },
    functions: {
      login: {
        modules: ["security"],
        source: `local security = require("security")
          return { main = function(name)
            local scope = security.new_scope({ assert(security.policy("app:" .. name)) })
            return security.token_store("app:tokens"):create(security.new_actor("ann"), scope)
          end }`,
      },
    },
  });
  const get = async (token?: string) => {
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
    const response = await fetch(url, { headers });
    return [response.status, await response.text()];
  };
  expect((await get())[0]).toBe(401);
  expect((await get("wrong"))[0]).toBe(401);
  expect((await get(String(await application.call("login", "looks"))))[0]).toBe(403);
  expect(await get(String(await application.call("login", "enters")))).toEqual([200, "ann"]);
});
