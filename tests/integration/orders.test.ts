/**
 * The example `orders`, whose days pass under the virtual clock.
 * @module
 */
import { expect, test } from "bun:test";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadApplication } from "../../src/app/app.ts";
import { withSyntaxCheck } from "../../src/app/syntax-check.ts";
import { Node } from "../../src/node/node.ts";
import { silentSink } from "../../src/observe/log.ts";
import { Simulation } from "../../src/platform/simulation.ts";
import { type LuaValue } from "../../src/vm/value.ts";
import { cleanAfterTest } from "../cleanup.ts";
import { plain } from "../../src/admin/plain.ts";
import { until } from "../until.ts";

const example = join(import.meta.dir, "../../examples/orders");
const hour = 3_600_000;
const day = 24 * hour;

interface Line {
  item: string;
  count: number;
  price: number;
}

const lamp: Line = { item: "lamp", count: 2, price: 30 };
const desk: Line = { item: "desk", count: 1, price: 300 };

/**
 * A copy of the example with its own world, which can be started again. Virtual time goes on only while nothing else is to
 * be done: what a test does at once after something happened is done at that moment.
 */
class Orders {
  readonly simulation: Simulation;
  readonly folder = mkdtempSync(join(tmpdir(), "wippy-orders-"));
  #node: Node | undefined;

  constructor(seed: number) {
    this.simulation = new Simulation({ seed });
    cpSync(example, this.folder, {
      recursive: true,
      filter: (path) => !/[\\/](?:work|\.wippy)$/.test(path),
    });
    cleanAfterTest(async () => {
      await this.stop();
      rmSync(this.folder, { recursive: true, force: true });
    });
  }

  get node(): Node {
    return this.#node!;
  }

  async start(): Promise<void> {
    const { folder: directory, simulation } = this;
    const { entries, config, problems } = await withSyntaxCheck((checkSyntax) =>
      loadApplication({ directory, system: {}, checkSyntax })
    );
    expect(problems).toEqual([]);
    this.#node = await Node.start({
      entries,
      config,
      directory,
      stateDir: join(directory, ".wippy"),
      workers: 2,
      inline: true,
      log: silentSink,
      simulation,
    });
    await this.#node.launch();
  }

  async stop(): Promise<void> {
    const node = this.#node;
    this.#node = undefined;
    await node?.stop();
  }

  async order(id: string, lines: Line[], address = "Main St 1"): Promise<string> {
    const { pid } = await this.node.workflows.start({
      entry: "orders:order",
      frame: {},
      options: { "workflow.id": id },
      messages: [],
      sender: "",
      args: [{ id, address, lines: lines as unknown as LuaValue }],
    });
    return pid;
  }

  /** The end of an order: its result, or the message of its error. */
  async end(pid: string): Promise<unknown> {
    const ended = new Promise<unknown>((resolve) => {
      this.node.workflows.watch(
        pid,
        (value, error) => resolve(error instanceof Error ? error.message : plain(value)),
      );
    });
    return await ended;
  }

  async state(pid: string): Promise<unknown> {
    return plain(await this.node.workflows.query(pid, "state", []));
  }

  /** Lets virtual time pass. */
  async pass(milliseconds: number): Promise<void> {
    const passed = Promise.withResolvers<void>();
    this.simulation.setTimer(milliseconds, passed.resolve);
    await passed.promise;
  }

  /** How many effects of a kind the world has seen. */
  effects(): Record<string, number> {
    const counts: Record<string, number> = {};
    for (const file of readdirSync(join(this.folder, "work"))) {
      const [kind = ""] = file.split("-");
      counts[kind] = (counts[kind] ?? 0) + 1;
    }
    return counts;
  }

  /** What was said to people, in no order. */
  said(): string[] {
    const work = join(this.folder, "work");
    return readdirSync(work).filter((file) => file.startsWith("notify-"))
      .map((file) => (JSON.parse(readFileSync(join(work, file), "utf8")) as { text: string }).text);
  }
}

test("a small order is paid, packed and shipped; the desk hears of it", async () => {
  const orders = new Orders(1);
  await orders.start();
  const pid = await orders.order("o-1", [lamp]);
  expect(await orders.end(pid)).toMatchObject({ id: "o-1", total: 60, address: "Main St 1" });
  expect(orders.effects()).toEqual({ charge: 1, reserve: 1, ship: 1 });
  expect(await orders.state(pid)).toEqual({ state: "shipped", address: "Main St 1" });
});

test("a bank that answers late is asked again, and charges once", async () => {
  const orders = new Orders(2);
  await orders.start();
  const began = orders.simulation.now();
  expect(await orders.end(await orders.order("slow-1", [lamp]))).toMatchObject({ total: 60 });
  expect(orders.simulation.now() - began).toBeGreaterThanOrEqual(3000);
  expect(orders.effects()["charge"]).toBe(1);
});

test("what was done is undone, last step first, when the next cannot be done", async () => {
  const orders = new Orders(3);
  await orders.start();
  const unicorn = { item: "unicorn", count: 1, price: 5 };
  expect(await orders.end(await orders.order("o-1", [lamp, unicorn])))
    .toContain("no unicorns in stock");
  expect(orders.effects()).toEqual({ charge: 1, reserve: 1, refund: 1, release: 1 });
  const nowhere = await orders.order("o-2", [lamp, { ...lamp, item: "bulb", price: 1 }], "nowhere");
  expect(await orders.end(nowhere)).toContain("nobody lives nowhere");
  expect(orders.effects()).toEqual({ charge: 2, reserve: 3, refund: 2, release: 3 });
  const { runs } = await orders.node.workflows.list("orders:durable", { workflowId: "o-2" });
  const history = await orders.node.workflows.history("orders:durable", runs[0]!.runId);
  // Without the host operations, such as the look-up of the desk.
  const called = history.flatMap(({ type, data }) =>
    type === "ActivityScheduled" && !(data as { operation: boolean }).operation
      ? [(data as { entry: string }).entry.slice("orders:".length)]
      : []
  );
  expect(called).toEqual(["charge", "reserve", "reserve", "ship", "release", "release", "refund"]);
});

test("a large order waits for days through restarts, is asked, changed and approved", async () => {
  const orders = new Orders(4);
  await orders.start();
  const pid = await orders.order("o-1", [desk]);
  await orders.pass(2.5 * day);
  expect(orders.said().sort()).toEqual([
    "order o-1 waits for 1 days",
    "order o-1 waits for 2 days",
  ]);
  await orders.stop();
  await orders.start();
  expect(await orders.state(pid)).toEqual({ state: "waiting for approval", address: "Main St 1" });
  const update = (address: LuaValue) =>
    orders.node.workflows.update(pid, {
      name: "address",
      args: [address],
      sender: "",
      stage: "completed",
    });
  expect(await update("Side St 2")).toBe("goes to Side St 2");
  await expect(update("")).rejects.toThrow("an address is a text");
  await orders.node.workflows.signal(pid, "decision", "", [{ approved: true, by: "Ada" }]);
  expect(await orders.end(pid)).toMatchObject({ total: 300, address: "Side St 2" });
  expect(orders.effects()).toEqual({ notify: 2, charge: 1, reserve: 1, ship: 1 });
  await expect(update("Late St 3")).rejects.toThrow("closed");
});

test("a rejected order and one that nobody decides about cost nothing", async () => {
  const orders = new Orders(5);
  await orders.start();
  const rejected = await orders.order("o-1", [desk]);
  await orders.node.workflows.signal(rejected, "decision", "", [{ approved: false, by: "Bob" }]);
  expect(await orders.end(rejected)).toContain("rejected by Bob");
  const began = orders.simulation.now();
  const forgotten = await orders.order("o-2", [desk]);
  expect(await orders.end(forgotten)).toContain("nobody decided within a week");
  expect(Math.round((orders.simulation.now() - began) / day)).toBe(7);
  expect(orders.said()).toHaveLength(6);
  expect(orders.effects()).toEqual({ notify: 6 });
});

test("killed at any moment, an order has each effect once", async () => {
  const folder = mkdtempSync(join(tmpdir(), "wippy-orders-killed-"));
  cleanAfterTest(() => rmSync(folder, { recursive: true, force: true }));
  cpSync(join(example, "src"), join(folder, "src"), { recursive: true });
  cpSync(join(example, "wippy.lock"), join(folder, "wippy.lock"));
  const wippy = [process.execPath, join(import.meta.dir, "../../src/main.ts")];
  const run = () =>
    Bun.spawn([...wippy, "run", "-s"], { cwd: folder, stdout: "ignore", stderr: "ignore" });
  const tell = async (...args: string[]) => {
    const child = Bun.spawn([...wippy, "workflow", ...args], { cwd: folder, stderr: "ignore" });
    const out = await new Response(child.stdout).text();
    return { out, status: await child.exited };
  };
  const input = JSON.stringify({
    id: "o-1",
    address: "Main St 1",
    lines: Array.from({ length: 12 }, (_, n) => ({ item: `item ${n}`, count: 1, price: 5 })),
  });
  let runtime = run();
  await until(async () => (await tell("start", "orders:order", input, "--id", "o-1")).status === 0);
  for (const after of [0, 150, 300]) {
    runtime.kill("SIGKILL");
    await runtime.exited;
    runtime = run();
    // Sleeps because each kill is to come a little later into the run.
    await Bun.sleep(after);
  }
  const result = await until(async () => {
    const answer = await tell("result", "o-1");
    return answer.status === 0 && answer;
  });
  expect(JSON.parse(result.out)).toMatchObject({ total: 60 });
  runtime.kill();
  await runtime.exited;
  const kinds = readdirSync(join(folder, "work")).map((file) => file.split("-")[0]!);
  const count = (kind: string) => kinds.filter((one) => one === kind).length;
  expect({ charge: count("charge"), reserve: count("reserve"), ship: count("ship") })
    .toEqual({ charge: 1, reserve: 12, ship: 1 });
}, 60_000);
