/** The example `orders` on a Temporal server: the application is the same but for one entry. */
import { expect } from "bun:test";
import { cpSync, existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cleanAfterTest } from "../../cleanup.ts";
import { TemporalServer, withTemporal } from "../../temporal-server.ts";
import { until } from "../../until.ts";
import { moveToTemporal } from "./move.ts";

const root = join(import.meta.dir, "../../..");
const wippy = [process.execPath, join(root, "src/main.ts")];
/** How long a busy machine may take, in milliseconds. */
const patience = 60_000;

const line = (item: string, price: number) => ({ item, count: 1, price });

/** The example in a folder of its own, as a program that can be killed and started again. */
class Orders {
  readonly folder = mkdtempSync(join(tmpdir(), "wippy-orders-"));
  #runtime: Bun.Subprocess | undefined;

  constructor(address: string) {
    for (const part of ["src", "wippy.lock"]) {
      cpSync(join(root, "examples/orders", part), join(this.folder, part), { recursive: true });
    }
    moveToTemporal(this.folder, "orders", address);
    cleanAfterTest(async () => {
      await this.kill();
      rmSync(this.folder, { recursive: true, force: true });
    });
  }

  /** Starts it, and returns when its commands are answered. */
  async start(): Promise<void> {
    this.#runtime = Bun.spawn([...wippy, "run", "-s"], {
      cwd: this.folder,
      stdin: "ignore",
      stdout: "ignore",
      stderr: "ignore",
    });
    await until(() => this.tell("list"), ({ status }) => status === 0, patience);
  }

  async kill(): Promise<void> {
    this.#runtime?.kill("SIGKILL");
    await this.#runtime?.exited;
  }

  /** Runs `wippy workflow …` in its folder. */
  async tell(...args: string[]): Promise<{ status: number; out: string; err: string }> {
    const child = Bun.spawn([...wippy, "workflow", ...args], {
      cwd: this.folder,
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
    });
    const [out, err] = await Promise.all([
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
    ]);
    return { status: await child.exited, out, err };
  }

  async order(id: string, lines: object[]): Promise<void> {
    const input = JSON.stringify({ id, address: "Main St 1", lines });
    expect(await this.tell("start", "orders:order", input, "--id", id))
      .toMatchObject({ status: 0 });
  }

  /** How many effects of a kind the world has seen. */
  effects(): Record<string, number> {
    const counts: Record<string, number> = {};
    const work = join(this.folder, "work");
    for (const file of existsSync(work) ? readdirSync(work) : []) {
      const [kind = ""] = file.split("-");
      counts[kind] = (counts[kind] ?? 0) + 1;
    }
    return counts;
  }
}

withTemporal("the example orders runs on a server, through a kill", async () => {
  const server = await TemporalServer.start();
  cleanAfterTest(() => server.stop());
  const orders = new Orders(server.address);
  await orders.start();
  await orders.order("dear", [line("desk", 300)]);
  const state = async () => (await orders.tell("query", "dear", "state")).out;
  await until(state, (out) => out.includes("waiting for approval"));
  await orders.order("long", Array.from({ length: 12 }, (_, n) => line(`item ${n}`, 5)));
  const result = async (id: string) =>
    await until(() => orders.tell("result", id), ({ status }) => status === 0, patience);
  expect(JSON.parse((await result("long")).out)).toMatchObject({ total: 60 });
  expect(orders.effects()).toEqual({ charge: 1, reserve: 12, ship: 1 });
  await orders.kill();
  await orders.start();

  expect(await orders.tell("update", "dear", "address", '"Side St 2"'))
    .toMatchObject({ status: 0, out: expect.stringContaining("goes to Side St 2") });
  expect(await orders.tell("update", "dear", "address", '""'))
    .toMatchObject({ status: 1, err: expect.stringContaining("an address is a text") });
  await orders.tell("signal", "dear", "decision", '{"approved":true,"by":"Ada"}');
  expect(JSON.parse((await result("dear")).out)).toMatchObject({
    total: 300,
    address: "Side St 2",
  });
  expect(orders.effects()).toEqual({ charge: 2, reserve: 13, ship: 2 });

  // What was done is undone when the next step cannot be done.
  await orders.order("odd", [line("lamp", 5), line("unicorn", 5)]);
  expect(await orders.tell("result", "odd"))
    .toMatchObject({ status: 1, err: expect.stringContaining("no unicorns in stock") });
  expect(orders.effects()).toEqual({ charge: 3, reserve: 14, ship: 2, refund: 1, release: 1 });
}, 150_000);
