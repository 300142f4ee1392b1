import { expect, test } from "bun:test";
import { chmodSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { serveAdmin } from "../../../src/admin/server.ts";
import { createSite } from "../../../src/admin/site.ts";
import { Tokens } from "../../../src/admin/tokens.ts";
import { apiBase, checkRoles } from "../../../src/admin/admin.ts";
import { includesRole, type Role, roles } from "../../../src/admin/role.ts";
import { answer, done, roleField, route, routes } from "../../../src/admin/route.ts";
import { mostSessions } from "../../../src/admin/sessions.ts";
import { LiveEvents } from "../../../src/admin/events.ts";
import { openServer } from "../../../src/cli/run/serve.ts";
import { cleanAfterTest } from "../../cleanup.ts";
import { until } from "../../until.ts";
import { Shop } from "./shop.ts";

const host = "localhost:7777";

/** A server of the shop that is asked without a network. */
async function site(names: string[] = []) {
  const shop = new Shop();
  const target = await shop.start();
  const tokens = new Tokens(shop.stateDir);
  let now = Date.now();
  const app = createSite(target, tokens, { names }, () => 7777, () => now);
  const ask = async (path: string, init: RequestInit = {}) =>
    await app.request(`http://${host}${path}`, {
      ...init,
      headers: { host, ...init.headers as Record<string, string> },
    });
  const withToken = (token: string) => ({ authorization: `Bearer ${token}` });
  const owner = withToken(tokens.owner());
  const post = (path: string, body: unknown, headers: Record<string, string> = owner) =>
    ask(path, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: JSON.stringify(body),
    });
  return {
    shop,
    target,
    tokens,
    ask,
    post,
    owner,
    withToken,
    later: (milliseconds: number) => now += milliseconds,
  };
}

test("every route states its role, and needs it", async () => {
  const { ask, owner, tokens, withToken } = await site();
  const document = await (await ask(`${apiBase}/openapi.json`, { headers: owner })).json() as {
    paths: Record<string, Record<string, Record<string, unknown>>>;
  };
  const callers = roles.map((role) => ({ role, headers: withToken(tokens.create(role, role)) }));
  const stated: string[] = [];
  for (const [path, methods] of Object.entries(document.paths)) {
    for (const [method, operation] of Object.entries(methods)) {
      const needed = operation[roleField] as Role;
      const name = `${method} ${path.slice(apiBase.length)}`;
      stated.push(`${needed} ${name}`);
      if (path.endsWith("/events")) continue;
      const at = path.replaceAll(/\{\w+\}/g, "none");
      const send = (headers: Record<string, string>) =>
        ask(at, {
          method: method.toUpperCase(),
          headers: { "content-type": "application/json", ...headers },
          ...(method === "post" && { body: "[]" }),
        });
      expect((await send({})).status, `${name} without a token`).toBe(401);
      for (const { role, headers } of callers) {
        const allowed = (await send(headers)).status !== 403;
        expect(allowed, `${name} as ${role}`).toBe(includesRole(role, needed));
      }
    }
  }
  expect(stated.sort()).toEqual([
    "admin get /debug/events",
    "admin post /debug/calls",
    "admin post /stop",
    "operator delete /schedules/{id}",
    "operator post /functions/{id}/call",
    "operator post /schedules",
    "operator post /schedules/{id}/backfill",
    "operator post /schedules/{id}/pause",
    "operator post /schedules/{id}/trigger",
    "operator post /schedules/{id}/unpause",
    "operator post /schedules/{id}/update",
    "operator post /services/{id}/start",
    "operator post /services/{id}/stop",
    "operator post /units/{pid}/cancel",
    "operator post /units/{pid}/send",
    "operator post /units/{pid}/terminate",
    "operator post /workflows",
    "operator post /workflows/{id}/cancel",
    "operator post /workflows/{id}/reset",
    "operator post /workflows/{id}/retry",
    "operator post /workflows/{id}/signal",
    "operator post /workflows/{id}/terminate",
    "operator post /workflows/{id}/update",
    "viewer get /attention",
    "viewer get /config",
    "viewer get /events",
    "viewer get /functions",
    "viewer get /logs",
    "viewer get /openapi.json",
    "viewer get /registry/entries",
    "viewer get /registry/entries/{id}",
    "viewer get /schedules",
    "viewer get /schedules/{id}",
    "viewer get /services",
    "viewer get /services/{id}",
    "viewer get /status",
    "viewer get /units",
    "viewer get /units/{pid}",
    "viewer get /workflows",
    "viewer get /workflows/{id}",
    "viewer get /workflows/{id}/export",
    "viewer get /workflows/{id}/history",
    "viewer get /workflows/{id}/result",
    "viewer post /workflows/{id}/query",
  ]);
});

test("a route without a role is refused when the API is made", () => {
  const app = routes();
  app.get("/secret", (context) => context.text("for everybody"));
  expect(() => checkRoles(app)).toThrow("the route GET /secret has no role");
  const responses = { 200: answer(done, "Done") };
  // @ts-expect-error the role is missing
  route({ method: "get", path: "/secret", responses });
  const guarded = routes().openapi(
    route({ role: "admin", method: "get", path: "/secret/{id}", responses }),
    (context) => context.json({ ok: true as const }, 200),
  );
  expect(() => checkRoles(guarded)).not.toThrow();
});

test("answers fit the schemas of the document, errors are problem details", async () => {
  const { ask, post, owner } = await site();
  expect(await (await post(`${apiBase}/functions/app:pay/call`, { args: [21] })).json())
    .toMatchObject({ value: 42 });
  const functions = await (await ask(`${apiBase}/functions`, { headers: owner })).json();
  expect(functions).toMatchObject({
    functions: [{ id: "app:bad", calls: 0 }, { id: "app:pay", calls: 1, failed: 0, running: 0 }],
  });
  // Somebody has looked by now, so that calls are timed.
  await post(`${apiBase}/functions/app:pay/call`, { args: [1] });
  expect(await (await ask(`${apiBase}/functions`, { headers: owner })).json()).toMatchObject({
    functions: [{ id: "app:bad" }, { id: "app:pay", calls: 2, p50: expect.any(Number) }],
  });
  const failed = await post(`${apiBase}/functions/app:bad/call`, {});
  expect(failed.headers.get("content-type")).toStartWith("application/problem+json");
  expect(await failed.json()).toMatchObject({
    type: "about:blank",
    title: "Internal",
    status: 500,
    detail: "app:bad:1: no luck",
  });
  expect(await (await post(`${apiBase}/functions/app:pay/call`, { args: 3 })).json()).toMatchObject(
    {
      status: 400,
      issues: [{ path: "json.args" }],
    },
  );
  const broken = await ask(`${apiBase}/functions/app:pay/call`, {
    method: "POST",
    headers: { ...owner, "content-type": "application/json" },
    body: "{",
  });
  expect(broken.status).toBe(400);
  const missing = await ask(`${apiBase}/nothing`, { headers: owner });
  expect(missing.status).toBe(404);
  const entry = await ask(`${apiBase}/registry/entries/app:pay`, { headers: owner });
  expect(await entry.json()).toMatchObject({
    kind: "function.lua",
    comment: "doubles",
    data: { source: expect.stringContaining("amount * 2") },
  });
  const tag = (await ask(`${apiBase}/registry/entries`, { headers: owner })).headers.get("etag")!;
  const same = { ...owner, "if-none-match": tag };
  expect((await ask(`${apiBase}/registry/entries`, { headers: same })).status).toBe(304);
  const pages: string[] = [];
  let after: string | undefined;
  do {
    const query = after === undefined ? "" : `&after=${encodeURIComponent(after)}`;
    const answer = await ask(`${apiBase}/registry/entries?limit=3${query}`, { headers: owner });
    const page = await answer.json() as { entries: { id: string }[]; next?: string };
    pages.push(...page.entries.map(({ id }) => id));
    after = page.next;
  } while (after !== undefined);
  expect(pages).toEqual([...pages].sort());
  expect(pages).toHaveLength(8);
});

/** The secrets of the session that a sign-in began, as the headers that send them. */
async function sessionOf(signedIn: Response) {
  const cookie = signedIn.headers.get("set-cookie")!.split(";")[0]!;
  const page = /#session=([\w-]+)"/.exec(await signedIn.text())![1]!;
  return { cookie, "x-wippy-session": page };
}

test("a browser signs in with the link, and out", async () => {
  const { ask, tokens } = await site();
  const sent = await ask("/", {});
  expect(sent.status).toBe(303);
  expect(sent.headers.get("location")).toBe("/sign-in");
  const signedIn = await ask(`/sign-in?token=${tokens.owner()}`);
  const cookie = signedIn.headers.get("set-cookie")!;
  expect(cookie).toStartWith("wippy_session_7777=");
  expect(cookie).toContain("HttpOnly");
  expect(cookie).toContain("SameSite=Strict");
  expect(signedIn.headers.get("cache-control")).toBe("no-store");
  const session = await sessionOf(signedIn);
  expect((await ask(`${apiBase}/status`, { headers: session })).status).toBe(200);
  const page = await ask("/workflows/x", { headers: session });
  expect(await page.text()).toContain('<div id="app">');
  expect(page.headers.get("content-security-policy")).toContain("script-src 'self'");
  expect((await ask("/sign-out", { method: "POST", headers: session })).status).toBe(204);
  expect((await ask(`${apiBase}/status`, { headers: session })).status).toBe(401);
});

test("the cookie alone, which a browser sends to every port of the host, opens nothing", async () => {
  const { ask, tokens } = await site();
  const session = await sessionOf(await ask(`/sign-in?token=${tokens.owner()}`));
  const { cookie } = session;
  const status = async (headers: Record<string, string>) =>
    (await ask(`${apiBase}/status`, { headers })).status;
  expect(await status({ cookie })).toBe(401);
  expect(await status({ cookie, "x-wippy-session": "guess" })).toBe(401);
  expect(await status({ cookie, "x-wippy-session": cookie.split("=")[1]! })).toBe(401);
  expect(await status({ "x-wippy-session": session["x-wippy-session"] })).toBe(401);
  expect((await ask("/sign-out", { method: "POST", headers: { cookie } })).status).toBe(401);
  expect((await ask("/metrics", { headers: { cookie } })).status).toBe(401);
  expect(await status(session)).toBe(200);
});

test("a session ends by itself, and with the token that it began with", async () => {
  const { ask, tokens, later } = await site();
  const token = tokens.create("browser", "viewer");
  const begin = async () => await sessionOf(await ask(`/sign-in?token=${token}`));
  const session = await begin();
  later(11 * 3_600_000);
  expect((await ask(`${apiBase}/status`, { headers: session })).status).toBe(200);
  later(13 * 3_600_000);
  expect((await ask(`${apiBase}/status`, { headers: session })).status).toBe(401);
  const second = await begin();
  tokens.revoke("browser");
  expect((await ask(`${apiBase}/status`, { headers: second })).status).toBe(401);
});

test("a token's sessions have a limit of their own", async () => {
  const { ask, tokens } = await site();
  const viewer = tokens.create("busy", "viewer");
  const status = async (headers: Record<string, string>) =>
    (await ask(`${apiBase}/status`, { headers })).status;
  const owner = await sessionOf(await ask(`/sign-in?token=${tokens.owner()}`));
  const first = await sessionOf(await ask(`/sign-in?token=${viewer}`));
  for (let n = 1; n < mostSessions; n++) await ask(`/sign-in?token=${viewer}`);
  expect(await status(first)).toBe(200);
  // It was used last: the oldest is the second now.
  const second = await sessionOf(await ask(`/sign-in?token=${viewer}`));
  expect(await status(first)).toBe(200);
  for (let n = 0; n < mostSessions; n++) await ask(`/sign-in?token=${viewer}`);
  expect([await status(first), await status(second), await status(owner)]).toEqual([401, 401, 200]);
});

test("who guesses tokens has to wait, and keeps no good token out", async () => {
  const { ask, owner, later, tokens } = await site();
  const guess = () => ask(`${apiBase}/status`, { headers: { authorization: "Bearer guess" } });
  for (let tries = 0; tries < 10; tries++) expect((await guess()).status).toBe(401);
  const refused = await guess();
  expect(refused.status).toBe(429);
  expect(await refused.json()).toMatchObject({ title: "RateLimited" });
  expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
  expect((await ask("/sign-in?token=guess")).status).toBe(429);
  expect((await ask(`${apiBase}/status`, { headers: owner })).status).toBe(200);
  expect((await ask(`/sign-in?token=${tokens.owner()}`)).status).toBe(200);
  later(60_001);
  expect((await guess()).status).toBe(401);
});

test("requests of other sites and other names are refused", async () => {
  const { ask, owner, post, shop } = await site(["wippy.test"]);
  const status = async (headers: Record<string, string>) =>
    (await ask(`${apiBase}/status`, { headers: { ...owner, ...headers } })).status;
  expect(await status({ host: "evil.example" })).toBe(403);
  expect(await status({ host: "localhost.evil.example:7777" })).toBe(403);
  expect(await status({ host: "wippy.test:1" })).toBe(200);
  expect(await status({ host: "127.0.0.1:7777" })).toBe(200);
  expect(await status({ host: "[::1]:7777" })).toBe(200);
  expect(await status({ origin: "http://evil.example" })).toBe(403);
  expect(await status({ origin: "null" })).toBe(403);
  expect(await status({ origin: `http://${host}` })).toBe(200);
  expect(await status({ "sec-fetch-site": "cross-site" })).toBe(403);
  expect(await status({ "sec-fetch-site": "same-site" })).toBe(403);
  expect(await status({ "sec-fetch-site": "same-origin" })).toBe(200);
  const forged = await post(`${apiBase}/stop`, {}, { ...owner, origin: "http://evil.example" });
  expect(forged.status).toBe(403);
  expect(shop.stopAsked).toBe(false);
  expect((await post(`${apiBase}/stop`, {})).status).toBe(200);
  expect(shop.stopAsked).toBe(true);
});

test("tokens are kept for their owner only, and damaged or open files are refused", async () => {
  const shop = new Shop();
  const tokens = new Tokens(shop.stateDir);
  const path = join(shop.stateDir, "tokens.json");
  const made = tokens.create("ci", "operator");
  expect(readFileSync(path, "utf8")).not.toContain(made);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(tokens.roleOf(made)).toBe("operator");
  expect(tokens.roleOf("")).toBeUndefined();
  expect(() => tokens.create("ci", "viewer")).toThrow("a token ci exists");
  expect(() => tokens.create("../x", "viewer")).toThrow("is not a name for a token");
  expect(() => tokens.revoke("none")).toThrow("no token none");
  // Another program, such as the command line, sees and changes the same.
  const listed = await shop.wippy("token", "list");
  expect(listed.out).toMatch(/^NAME +ROLE +CREATED\nci +operator /);
  const created = await shop.wippy("token", "create", "second", "--role", "viewer");
  expect(tokens.roleOf(created.out.trim())).toBe("viewer");
  await shop.wippy("token", "revoke", "ci");
  expect(tokens.roleOf(made)).toBeUndefined();
  expect((await shop.wippy("token", "create", "x", "--role", "king")).status).toBe(1);
  const owner = tokens.owner();
  expect(new Tokens(shop.stateDir).owner()).toBe(owner);
  chmodSync(join(shop.stateDir, "admin-token"), 0o644);
  expect(() => new Tokens(shop.stateDir).owner()).toThrow("can be read by others");
  await Bun.write(path, "{");
  expect(() => new Tokens(shop.stateDir).list()).toThrow("is damaged");
});

test("the stream tells changes, goes on where a reader ended, and says when it lost some", async () => {
  const { target, shop } = await site();
  const live = new LiveEvents(target);
  const signal = AbortSignal.timeout(10_000);
  const reader = live.read();
  await shop.node.control.send("counter", "tick", []);
  const first = await reader.next(signal);
  const [event] = first.events;
  expect(event).toMatchObject({ type: "log", data: { level: "warn", message: "counted" } });
  const log = (count: number) => {
    for (let n = 0; n < count; n++) {
      const record = { level: "info", time: 0, logger: "test", message: `line ${n}` } as const;
      target.logs.log({ ...record, fields: {} });
    }
  };
  log(3);
  const resumed = live.read(event!.id);
  expect((await resumed.next(signal)).events).toHaveLength(3);
  log(1001);
  // Nobody has read: instead of a thousand events there is the word that they are lost.
  expect(await reader.next(signal)).toEqual({ events: [], lost: true });
  log(1);
  expect(await reader.next(signal)).toMatchObject({ events: [{ type: "log" }], lost: false });
  expect(await live.read("another.1").next(signal)).toEqual({ events: [], lost: true });
  reader.close();
  resumed.close();
});

test("the stream leaves as server-sent events; a port that is taken is told", async () => {
  const shop = new Shop();
  const target = await shop.start();
  const tokens = new Tokens(shop.stateDir);
  const server = serveAdmin(target, tokens, { host: "127.0.0.1", port: 0, names: [] });
  cleanAfterTest(() => server.close());
  const headers = { authorization: `Bearer ${tokens.owner()}` };
  const stream = await fetch(`${server.url}${apiBase}/events`, { headers });
  const reader = stream.body!.getReader();
  let text = "";
  const read = async (wanted: string) => {
    while (!text.includes(wanted)) text += new TextDecoder().decode((await reader.read()).value);
  };
  await read("event: hello");
  await shop.node.control.send("counter", "tick", []);
  await read("event: log");
  expect(text).toMatch(/event: log\ndata: \{.*"message":"counted".*\}\nid: \w+\.1\n/);
  await reader.cancel();
  const big = await fetch(`${server.url}${apiBase}/functions/app:pay/call`, {
    method: "POST",
    headers,
    body: new Uint8Array(5 * 1024 * 1024),
  });
  expect(big.status).toBe(413);
  for (
    const path of ["/assets/../admin-token", "/assets/%2e%2e%2fadmin-token", "/.wippy/admin-token"]
  ) {
    const answer = await fetch(`${server.url}${path}`, { headers, redirect: "manual" });
    expect(await answer.text()).not.toContain(tokens.owner());
  }
  const port = Number(new URL(server.url).port);
  expect(() => serveAdmin(target, tokens, { host: "127.0.0.1", port, names: [] }))
    .toThrow(`port ${port} of 127.0.0.1 is taken`);
  const metrics = await (await fetch(`${server.url}/metrics`, { headers })).text();
  expect(metrics).toContain('wippy_services{state="running"} 3');
  expect(metrics).toContain('wippy_units{worker="0"} ');
  expect(await (await fetch(`${server.url}/readyz`)).text()).toBe("ready\n");
});

test("the owner's link is printed to a terminal, and to nothing that may be kept", async () => {
  const { target, tokens, shop } = await site();
  const printed = async (terminal: boolean) => {
    let err = "";
    const close = openServer(
      {
        out: () => {},
        err: (text) => err += Buffer.from(text).toString(),
        input: () => Promise.resolve(""),
        directory: shop.directory,
        system: {},
        terminal,
        colour: false,
      },
      target,
      shop.stateDir,
      { host: "127.0.0.1", port: 0 },
    );
    await close();
    return err;
  };
  expect(await printed(true)).toContain(`/sign-in?token=${tokens.owner()}`);
  const log = await printed(false);
  expect(log).toMatch(
    /serves its admin page at http:\/\/127\.0\.0\.1:\d+; the owner's token is in .*admin-token\n$/,
  );
  expect(log).not.toContain(tokens.owner());
});

test("what needs attention is found", async () => {
  const { ask, post, owner, shop } = await site();
  for (let calls = 0; calls < 5; calls++) await post(`${apiBase}/functions/app:bad/call`, {});
  await shop.node.workflows.start({
    entry: "app:order",
    frame: {},
    options: { "workflow.id": "stuck" },
    messages: [],
    sender: "",
    args: [1, 2],
  });
  const items = async () => {
    const answer = await ask(`${apiBase}/attention`, { headers: owner });
    return (await answer.json() as { items: { about: string; id: string; message: string }[] })
      .items;
  };
  const found = await until(items, (list) => list.length > 0);
  expect(found).toContainEqual({
    severity: "warning",
    about: "function",
    id: "app:bad",
    message: "5 of 5 calls failed",
  } as never);
});
