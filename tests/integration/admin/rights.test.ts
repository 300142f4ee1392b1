/**
 * A right holds as long as a request lasts, and what one token uses is not another's.
 */
import { expect, test } from "bun:test";
import { apiBase } from "../../../src/admin/admin.ts";
import { mostStreams } from "../../../src/admin/routes/events.ts";
import { serveAdmin } from "../../../src/admin/server.ts";
import { Tokens } from "../../../src/admin/tokens.ts";
import { cleanAfterTest } from "../../cleanup.ts";
import type { AdminTarget } from "../../../src/admin/route.ts";
import { until } from "../../until.ts";
import { Shop } from "./shop.ts";

const waits = `
  - { name: wait, kind: function.lua, source: "file://wait.lua", method: main, modules: [time] }
`;

/** A server of the shop, whose function `app:wait` never returns. */
async function serve() {
  const shop = new Shop();
  const index = await Bun.file(`${shop.directory}/src/_index.yaml`).text();
  shop.write("src/_index.yaml", index + waits);
  shop.write("src/wait.lua", 'return { main = function() require("time").sleep("1h") end }');
  const target = await shop.start();
  const tokens = new Tokens(shop.stateDir);
  const server = serveAdmin(target, tokens, { host: "127.0.0.1", port: 0, names: [] });
  cleanAfterTest(() => server.close());
  await shop.node.workflows.start({
    entry: "app:order",
    frame: {},
    options: { "workflow.id": "o-1" },
    messages: [],
    sender: "",
    args: [1, 2],
  });
  const ask = (path: string, headers: Record<string, string>, init: RequestInit = {}) =>
    fetch(`${server.url}${path}`, { ...init, headers: { ...headers, ...init.headers as object } });
  return { shop, target, tokens, ask };
}

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
/** Whether the function that never returns is running. */
async function isCalled({ node }: AdminTarget): Promise<boolean> {
  return (await node.control.functions()).some(({ id, running }) =>
    id === "app:wait" && running > 0
  );
}

const json = { "content-type": "application/json" };

/** The ways in which a caller loses a right, each with the headers that it had before. */
const losses: Record<
  string,
  (served: Awaited<ReturnType<typeof serve>>) => Promise<{
    headers: Record<string, string>;
    lose(): unknown;
    status: number;
  }>
> = {
  "its token is revoked": ({ tokens }) => {
    const headers = bearer(tokens.create("t", "operator"));
    return Promise.resolve({ headers, lose: () => tokens.revoke("t"), status: 401 });
  },
  "its token is revoked from the command line": ({ tokens, shop }) => {
    const headers = bearer(tokens.create("t", "operator"));
    return Promise.resolve({
      headers,
      lose: () => shop.wippy("token", "revoke", "t"),
      status: 401,
    });
  },
  "its session is signed out": async ({ tokens, ask }) => {
    const signedIn = await ask(`/sign-in?token=${tokens.owner()}`, {});
    const cookie = signedIn.headers.get("set-cookie")!.split(";")[0]!;
    const page = /#session=([\w-]+)"/.exec(await signedIn.text())![1]!;
    const headers = { cookie, "x-wippy-session": page };
    return { headers, lose: () => ask("/sign-out", headers, { method: "POST" }), status: 401 };
  },
};

for (const [how, prepare] of Object.entries(losses)) {
  test(`open requests end when ${how}`, async () => {
    const served = await serve();
    const { ask, target } = served;
    const { headers, lose, status } = await prepare(served);
    const stream = await ask(`${apiBase}/events`, headers);
    const text = stream.text();
    const open = [
      ask(`${apiBase}/workflows/o-1/result?timeout=60000`, headers),
      ask(`${apiBase}/functions/app:wait/call`, { ...headers, ...json }, {
        method: "POST",
        body: "{}",
      }),
    ];
    await until(() => isCalled(target));
    await lose();
    const secret = { level: "info", time: 0, logger: "test", message: "SECRET" } as const;
    target.logs.log({ ...secret, fields: {} });
    expect(await text).not.toContain("SECRET");
    for (const response of await Promise.all(open)) expect(response.status).toBe(status);
  }, 20_000);
}

test("a role that is taken away ends what needs it, and leaves the rest", async () => {
  const { ask, tokens, shop, target } = await serve();
  const headers = bearer(tokens.create("t", "operator"));
  const call = ask(`${apiBase}/functions/app:wait/call`, { ...headers, ...json }, {
    method: "POST",
    body: "{}",
  });
  const result = ask(`${apiBase}/workflows/o-1/result?timeout=2500`, headers);
  await until(() => isCalled(target));
  const path = `${shop.stateDir}/tokens.json`;
  await Bun.write(path, (await Bun.file(path).text()).replace("operator", "viewer"));
  expect((await call).status).toBe(403);
  expect(await (await result).json()).toEqual({ closed: false });
}, 20_000);

test("the streams of a token have a limit of their own", async () => {
  const { ask, tokens } = await serve();
  const headers = bearer(tokens.create("t", "viewer"));
  const open: Response[] = [];
  for (let n = 0; n < mostStreams; n++) open.push(await ask(`${apiBase}/events`, headers));
  expect(open.map(({ status }) => status)).toEqual(open.map(() => 200));
  const refused = await ask(`${apiBase}/events`, headers);
  expect(refused.status).toBe(429);
  expect(await refused.text()).toContain(`this token has ${mostStreams} event streams open`);
  const other = await ask(`${apiBase}/events`, bearer(tokens.owner()));
  expect(other.status).toBe(200);
  await open[0]!.body!.cancel();
  await until(async () => (await ask(`${apiBase}/events`, headers)).ok);
}, 20_000);
