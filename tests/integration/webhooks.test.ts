/**
 * The example `webhooks`, killed at random while payments come in: each is in the books once, whatever was repeated.
 * @module
 */
import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { root } from "../../scripts/sources.ts";
import { cleanAfterTest } from "../cleanup.ts";
import { Broker, withoutBroker } from "./queue/broker.ts";
import { emptyDatabase, postgres } from "./sql/servers.ts";
import { moveToTemporal } from "./temporal/move.ts";
import { TemporalServer, withTemporal } from "../temporal-server.ts";
import { until } from "../until.ts";

const secret = "a secret of this test";
const kills = Number(process.env.WIPPY_KILLS ?? 6);
const payments = 24;
/** How long, in milliseconds, a busy machine may take for all of them. */
const patience = 100_000;
/** Instants of the kills, in milliseconds after the runtime was ready; another seed gives others. */
const seed = Number(process.env.WIPPY_SEED ?? 1);

function* instants(): Generator<number> {
  let state = seed;
  for (;;) {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    yield (state >> 8) % 400;
  }
}

function freePort(): number {
  const server = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
  const { port } = server;
  server.stop(true);
  return port;
}

/** What the example has in place of what is built in. */
interface Servers {
  env: Record<string, string>;
  ask(query: string): Promise<unknown[]>;
}

/** The example in a folder of its own, as a program that can be killed and started again. */
class Example {
  readonly folder = mkdtempSync(join(tmpdir(), "wippy-webhooks-"));
  readonly port = freePort();
  #runtime: Bun.Subprocess<"ignore", "ignore", "pipe"> | undefined;
  #logs = "";
  readonly #servers: Servers | undefined;

  /** @param temporal address of the server that keeps the workflows in the place of the journal */
  constructor(servers?: Servers, temporal?: string) {
    this.#servers = servers;
    cpSync(join(root, "examples/webhooks"), this.folder, { recursive: true });
    if (temporal !== undefined) moveToTemporal(this.folder, "webhooks", temporal);
    cleanAfterTest(async () => {
      await this.kill();
      rmSync(this.folder, { recursive: true, force: true });
    });
  }

  #command(...args: string[]) {
    return {
      cmd: [process.execPath, join(root, "src/main.ts"), ...args],
      cwd: this.folder,
      env: {
        ...process.env,
        ...this.#servers?.env,
        WEBHOOK_SECRET: secret,
        LEDGER_URL: `http://127.0.0.1:${this.port}/ledger`,
      },
    };
  }

  /** Starts it, and returns when it is ready. */
  async start(): Promise<void> {
    const configuration = this.#servers ? ["--config", "servers.yaml"] : [];
    const runtime = Bun.spawn({
      ...this.#command("run", ...configuration, "-o", `webhooks:web:addr=127.0.0.1:${this.port}`),
      stdin: "ignore",
      stdout: "ignore",
      stderr: "pipe",
    });
    this.#runtime = runtime;
    this.#logs = "";
    void runtime.stderr.pipeTo(
      new WritableStream({ write: (chunk) => void (this.#logs += Buffer.from(chunk).toString()) }),
    );
    await until(() => this.#logs.includes("runtime ready") || runtime.exitCode !== null);
    if (runtime.exitCode !== null) throw new Error(`the example did not start: ${this.#logs}`);
  }

  async kill(): Promise<void> {
    this.#runtime?.kill("SIGKILL");
    await this.#runtime?.exited;
  }

  async stop(): Promise<void> {
    this.#runtime?.kill("SIGTERM");
    await this.#runtime?.exited;
  }

  /** Sends an event as the payment provider does; the status of the answer, 0 when there was none. */
  async send(event: unknown, key = secret): Promise<number> {
    const body = JSON.stringify(event);
    const signature = new Bun.CryptoHasher("sha256", key).update(body).digest("hex");
    try {
      const response = await fetch(`http://127.0.0.1:${this.port}/webhooks/payments`, {
        method: "POST",
        headers: { "X-Signature": signature },
        body,
      });
      return response.status;
    } catch {
      return 0;
    }
  }

  /** The rows of a table; none while it is not made. */
  async rows<Row>(query: string): Promise<Row[]> {
    if (this.#servers) return await this.#servers.ask(query).catch(() => []) as Row[];
    const database = new Database(join(this.folder, "books.db"));
    try {
      const made = database.query("SELECT 1 FROM sqlite_schema WHERE name = 'shown'").get();
      return made === null ? [] : database.query(query).all() as Row[];
    } finally {
      database.close();
    }
  }

  journalCheck(): { status: number; out: string } {
    const { exitCode, stdout } = Bun.spawnSync(this.#command("journal", "check"));
    return { status: exitCode, out: stdout.toString() };
  }
}

test("a webhook needs its signature and a form, and may come twice", async () => {
  const example = new Example();
  await example.start();
  const event = { id: "evt-1", amount: 1200 };
  expect(await example.send(event, "another secret")).toBe(401);
  expect(await example.send({ id: "evt-1" })).toBe(400);
  expect(await example.send(event)).toBe(202);
  await until(async () => (await example.rows("SELECT id FROM payments")).length === 1);
  // The run is closed by now, or about to be.
  expect(await example.send(event)).toBe(202);
  const page = await fetch(`http://127.0.0.1:${example.port}/`);
  expect([page.status, page.headers.get("content-type")]).toEqual([
    200,
    expect.stringContaining("text/html"),
  ]);
  const stream = await fetch(`http://127.0.0.1:${example.port}/live`);
  const events = stream.body!.pipeThrough(new TextDecoderStream()).getReader();
  let seen = "";
  // An event that comes before the board knows the page is not shown there: others follow.
  for (let i = 2; !seen.includes('"stage":"booked"'); i++) {
    await example.send({ id: `evt-${i}`, amount: 1 });
    seen += (await events.read()).value ?? "";
  }
  expect(seen).toContain("event: progress\n");
  await events.cancel();
}, 60_000);

/** Kills the example while payments come in, and reads the books. */
async function killAndCompare(kills: number, servers?: Servers, temporal?: string): Promise<void> {
  const example = new Example(servers, temporal);
  const instant = instants();
  let over = false;
  const sending = Promise.all(
    Array.from({ length: payments }, async (_, i) => {
      const event = { id: `evt-${i}`, amount: 100 + i };
      // The provider repeats what was not answered, and some of what was.
      await until(async () => over || await example.send(event) === 202, Boolean, patience);
      if (i % 4 === 0) {
        await until(async () => over || await example.send(event) === 202, Boolean, patience);
      }
    }),
  );
  try {
    for (let i = 0; i < kills; i++) {
      await example.start();
      // Sleeps because the kill is to come at a random instant.
      await Bun.sleep(instant.next().value!);
      await example.kill();
    }
    await example.start();
    await sending;
    const count = async (table: string) => (await example.rows(`SELECT * FROM ${table}`)).length;
    const shown = async () =>
      await count("shown") === 3 * payments && await count("payments") === payments;
    await until(shown, Boolean, patience);
  } finally {
    over = true;
  }
  await example.stop();
  const wanted = Array.from({ length: payments }, (_, i) => ({ id: `evt-${i}`, amount: 100 + i }));
  const byNumber = (a: { id: string }, b: { id: string }) =>
    Number(a.id.slice(4)) - Number(b.id.slice(4));
  const booked = await example.rows<{ id: string; amount: number; entry: string }>(
    "SELECT id, amount, entry FROM payments",
  );
  expect(booked.map(({ id, amount }) => ({ id, amount: Number(amount) })).toSorted(byNumber))
    .toEqual(wanted);
  const ledger = await example.rows<{ id: string; key: string; amount: number }>(
    "SELECT payment AS id, id AS key, amount FROM ledger",
  );
  expect(ledger.map(({ id, amount }) => ({ id, amount: Number(amount) })).toSorted(byNumber))
    .toEqual(wanted);
  // What the books name is what the ledger has.
  expect(new Set(booked.map(({ entry }) => entry))).toEqual(new Set(ledger.map(({ key }) => key)));
  if (temporal === undefined) expect(example.journalCheck()).toMatchObject({ status: 0 });
}

test(
  `after ${kills} kills every payment is in the books once`,
  () => killAndCompare(kills),
  180_000,
);

const missing = postgres.missing ?? withoutBroker;

test.skipIf(missing !== undefined)(
  `the same on PostgreSQL and RabbitMQ${missing === undefined ? "" : ` (skipped: ${missing})`}`,
  async () => {
    const [{ entry, server, database }, broker] = await Promise.all([
      emptyDatabase(postgres),
      Broker.start(),
    ]);
    try {
      await killAndCompare(Math.ceil(kills / 2), {
        env: {
          PGHOST: "127.0.0.1",
          PGPORT: String(entry["port"]),
          PGDATABASE: database,
          PGUSER: server.username,
          PGPASSWORD: server.password,
          AMQP_URL: `amqp://127.0.0.1:${broker.port}`,
        },
        ask: (query) => server.ask(query, database),
      });
    } finally {
      await broker.stop();
    }
  },
  180_000,
);

withTemporal("the same with workflows on a Temporal server", async () => {
  const server = await TemporalServer.start();
  cleanAfterTest(() => server.stop());
  await killAndCompare(Math.ceil(kills / 2), undefined, server.address);
}, 180_000);
