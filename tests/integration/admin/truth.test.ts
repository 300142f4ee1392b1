/**
 * What the API, the page's requests and the command line say about a runtime is what it is, however long its histories
 * and its waits are.
 */
import { expect, test } from "bun:test";
import { askSocket, openSocket } from "../../../src/admin/socket.ts";
import { Tokens } from "../../../src/admin/tokens.ts";
import { serveAdmin } from "../../../src/admin/server.ts";
import { ApiClient } from "../../../src/admin/client.ts";
import { cleanAfterTest } from "../../cleanup.ts";
import { until } from "../../until.ts";
import { Shop } from "./shop.ts";

const long = `
  - { name: long, kind: workflow.lua, source: "file://long.lua", modules: [workflow, time] }
  - { name: failing, kind: workflow.lua, source: "file://failing.lua" }
`;

/** A shop with a workflow of 50,000 events, which completed with "the end". */
async function longShop() {
  const shop = new Shop();
  const index = await Bun.file(`${shop.directory}/src/_index.yaml`).text();
  shop.write("src/_index.yaml", index + long);
  shop.write(
    "src/long.lua",
    `local workflow, time = require("workflow"), require("time")
    return { main = function(n)
      for i = 1, n do
        workflow.version("v" .. i, 1, 1)
        if i % 5000 == 0 then time.sleep("1ms") end
      end
      return "the end"
    end }`,
  );
  shop.write("src/failing.lua", 'return { main = function() error("no") end }');
  await shop.open();
  const client = new ApiClient((path, init) => askSocket(shop.stateDir, path, init));
  return { shop, client };
}

test(
  "a history of 50,000 events is read from either end, and its result from its record",
  async () => {
    const { shop, client } = await longShop();
    const started = await shop.wippy("workflow", "start", "app:long", "50000", "--id", "x");
    expect(started).toMatchObject({ status: 0 });
    expect(await shop.wippy("workflow", "result", "x")).toMatchObject({
      status: 0,
      out: "the end\n",
    });
    const params = { id: "x" };
    const run = await client.get("/workflows/:id", { params });
    expect(run).toMatchObject({ status: "completed", input: [50000], result: "the end" });
    expect(run.history_length).toBeGreaterThan(50_000);
    const ids = async (query: Record<string, string | number>) => {
      const page = await client.get("/workflows/:id/history", { params, query });
      return { ids: page.events.map(({ id }) => id), next: page.next };
    };
    const { history_length: n } = run;
    expect(await ids({ limit: 3 })).toEqual({ ids: [1, 2, 3], next: "3" });
    expect(await ids({ limit: 3, after: 3 })).toEqual({ ids: [4, 5, 6], next: "6" });
    expect(await ids({ limit: 3, after: n - 2 })).toEqual({ ids: [n - 1, n], next: undefined });
    expect(await ids({ limit: 2, order: "newest" })).toEqual({ ids: [n, n - 1], next: `${n - 1}` });
    expect(await ids({ limit: 2, order: "newest", after: n - 1 }))
      .toEqual({ ids: [n - 2, n - 3], next: `${n - 3}` });
    expect(await ids({ limit: 2, order: "newest", after: 3 })).toEqual({
      ids: [2, 1],
      next: undefined,
    });
    expect(await ids({ limit: 2, order: "newest", after: 1 })).toEqual({
      ids: [],
      next: undefined,
    });
    expect((await shop.wippy("workflow", "show", "x")).out).toMatch(/^result +the end$/m);
    const { out } = await shop.wippy("workflow", "history", "x");
    expect(out.split("\n")).toHaveLength(n + 1);
    expect(out.trimEnd().split("\n").at(-1)).toContain("ExecutionCompleted");
  },
  60_000,
);

test("runs that failed need attention, by workflow", async () => {
  const { shop, client } = await longShop();
  const attention = async () => (await client.get("/attention")).items;
  expect(await attention()).toEqual([]);
  for (let n = 0; n < 3; n++) {
    expect((await shop.wippy("workflow", "start", "app:failing", "--wait")).status).toBe(1);
  }
  const items = await until(attention, (found) => found.some(({ about }) => about === "workflow"));
  expect(items).toContainEqual({
    severity: "error",
    about: "workflow",
    id: "app:failing",
    message: "3 runs failed or timed out in the last 24 hours",
  });
}, 20_000);

test("a start says whether anything was started", async () => {
  const { shop } = await longShop();
  const start = ["workflow", "start", "app:order", "1", "2", "--id", "o-1"];
  const first = await shop.wippy(...start);
  const run = /^started (.*)\n$/.exec(first.out)![1]!;
  const again = await shop.wippy(...start);
  expect(again.out).toBe(`nothing was started: the workflow id has a run already\n${run}\n`);
  expect(await shop.json(...start)).toMatchObject({ existed: true });
  expect((await shop.json("workflow", "list"))["runs"]).toHaveLength(1);
});

test("a wait lasts as long as what it waits for, at the socket and over the network", async () => {
  const shop = new Shop();
  const target = await shop.start();
  const socket = await openSocket(shop.stateDir, async () => {
    // Sleeps because Bun ends a request that is silent for ten seconds, give or take two.
    await Bun.sleep(14_000);
    return new Response("waited");
  });
  cleanAfterTest(() => socket!.close());
  const tokens = new Tokens(shop.stateDir);
  const server = serveAdmin(target, tokens, {
    host: "127.0.0.1",
    port: 0,
    names: [],
    idleTimeout: 1,
  });
  cleanAfterTest(() => server.close());
  await shop.node.workflows.start({
    entry: "app:order",
    frame: {},
    options: { "workflow.id": "o-1" },
    messages: [],
    sender: "",
    args: [1, 2],
  });
  const overNetwork = async () => {
    const began = performance.now();
    const response = await fetch(`${server.url}/api/v1/workflows/o-1/result?timeout=6000`, {
      headers: { authorization: `Bearer ${tokens.owner()}` },
    });
    expect(performance.now() - began).toBeGreaterThan(5_900);
    return await response.json();
  };
  const atSocket = async () => await (await askSocket(shop.stateDir, "/")).text();
  expect(await Promise.all([overNetwork(), atSocket()])).toEqual([{ closed: false }, "waited"]);
}, 30_000);

test("a runtime that breaks off is told from one that is not there", async () => {
  const shop = new Shop();
  expect(await shop.wippy("status")).toMatchObject({
    status: 1,
    err: expect.stringContaining("no runtime is running with the state folder"),
  });
  const server = Bun.listen({
    unix: `${shop.directory}/.wippy-socket`,
    socket: { data: (socket) => void socket.end() },
  });
  cleanAfterTest(() => server.stop(true));
  await Bun
    .$`mkdir -p ${shop.stateDir} && mv ${shop.directory}/.wippy-socket ${shop.stateDir}/control.sock`;
  const broken = await shop.wippy("status");
  expect(broken.status).toBe(1);
  expect(broken.err).toContain("the connection to the runtime broke");
  expect(broken.err).not.toContain("no runtime is running");
});
