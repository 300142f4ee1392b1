/**
 * A server, databases, stores and queues under clients that come, go and break off, on workers that are killed: what was
 * acknowledged is there, once; what was published was handled; every answer is the one expected or says that the work
 * was not done; and at the end nothing is open that was not before.
 * @module
 */
import { Database } from "bun:sqlite";
import { join } from "node:path";
import { mostReaders } from "../../src/services/sql/sqlite/sqlite.ts";
import { type ClientsReport, kinds } from "./clients.ts";
import {
  growth,
  type LoadReport,
  openFiles,
  resident,
  type SoakOptions,
  SoakRuntime,
} from "./runtime.ts";

/** What the clients were answered, and what was open. */
export interface NetworkReport extends LoadReport {
  done: Record<string, number>;
  refused: Record<string, number>;
  withoutRoom: number;
  /** How many were acknowledged. */
  written: number;
  put: number;
  published: number;
  /** Deliveries of messages that a handler took to its end. */
  handled: number;
  /** File descriptors after the warm-up and at the end, without clients. */
  files: { early: Record<string, number>; late: Record<string, number> };
}

/** Figures that are zero when nobody asks for anything. */
const busy = [
  "wippy_http_server_in_flight",
  "wippy_http_requests_in_flight",
  "wippy_http_connections",
  "wippy_sql_transactions",
  "wippy_sql_connections_in_use",
  "wippy_queue_messages",
  "wippy_queue_in_flight",
  "wippy_queue_consumer_running",
  "wippy_queue_consumer_waiting",
];
/** Milliseconds for which something may be open without any change, and altogether. */
const patience = { still: 20_000, total: 300_000 };
const mostWrong = 20;

const total = (counts: Record<string, number>) =>
  Object.values(counts).reduce((sum, count) => sum + count, 0);

/** What is still open, or not there again, in words; empty at rest. */
async function stillOpen(runtime: SoakRuntime): Promise<string[]> {
  const figures = runtime.node.control.figures
    .filter(({ name, value }) => busy.includes(name) && value !== 0)
    .map(({ name, service, labels, value }) =>
      `${name} of ${service}${labels ? ` ${JSON.stringify(labels)}` : ""} is ${value}`
    );
  const { length: running } = runtime.node.control.workers;
  const { units } = await runtime.node.control.units();
  return [
    ...running < runtime.workers ? [`${running} of ${runtime.workers} workers run`] : [],
    ...units.some(({ entry }) => entry === "net:room") ? [] : ["the room was not restarted"],
    ...figures,
    ...await runtime.leftOver(/^net:/, ["net:room"]),
  ];
}

/** Waits until nothing is open. Returns what is after all. */
async function rest(open: () => string[] | Promise<string[]>): Promise<string[]> {
  const end = performance.now() + patience.total;
  let changed = performance.now();
  let before = "";
  for (;;) {
    let left: string[];
    try {
      left = await open();
    } catch (error) {
      // A worker that a busy machine does not let run answers nothing for a while.
      left = [(error as Error).message];
    }
    const now = performance.now();
    const found = left.join("\n");
    if (found !== before) [before, changed] = [found, now];
    if (left.length === 0 || now > end || now - changed > patience.still) return left;
    await Bun.sleep(20);
  }
}

/**
 * What there is more of than there was. A database opens connections that read when calls would wait, up to a number; each
 * has a thread, and a thread has two descriptors of its event loop.
 */
function more(early: Record<string, number>, late: Record<string, number>): string[] {
  const grown = (kind: string) => (late[kind] ?? 0) - (early[kind] ?? 0);
  const isPool = (kind: string) =>
    /\.db(-wal|-shm)?$/.test(kind) && (late[kind] ?? 0) <= 1 + mostReaders;
  const threads = Object.keys(late).filter((kind) => kind.endsWith(".db-wal") && isPool(kind))
    .reduce((sum, kind) => sum + Math.max(0, grown(kind)), 0);
  const allowed = (kind: string) =>
    isPool(kind) ? Infinity : /eventpoll|eventfd/.test(kind) ? threads : 0;
  return Object.keys(late).filter((kind) => grown(kind) > allowed(kind))
    .map((kind) => `${late[kind]} open of ${kind}, ${early[kind] ?? 0} before`);
}

/** Where the server listens; after a start that is another port. */
async function addressOf(runtime: SoakRuntime): Promise<string> {
  const { address } = await runtime.node.control.inspectService("net:web") as { address: string };
  return address;
}

/** Runs clients for so many seconds while workers are killed. */
async function load(runtime: SoakRuntime, seconds: number, seed: number): Promise<ClientsReport> {
  const address = await addressOf(runtime);
  const clients = Bun.spawn({
    cmd: [
      process.execPath,
      join(import.meta.dir, "clients.ts"),
      address,
      String(seconds),
      String(seed),
    ],
    stdin: "ignore",
    stdout: "pipe",
    stderr: "inherit",
  });
  const interval = Math.min(6000, seconds * 400);
  const [text] = await Promise.all([
    new Response(clients.stdout).text(),
    runtime.killWorkers(interval, performance.now() + seconds * 1000),
  ]);
  if (await clients.exited !== 0) throw new Error("the clients failed");
  return JSON.parse(text) as ClientsReport;
}

/** The keys of the store. */
async function keysOf(runtime: SoakRuntime): Promise<Set<string>> {
  const found = new Set<string>();
  let after: string | undefined;
  do {
    const page = await runtime.node.call("net:keys", after === undefined ? [] : [after]) as {
      keys: string[];
      after?: string;
    };
    for (const key of page.keys) found.add(key);
    after = page.after;
  } while (after !== undefined);
  return found;
}

/** Compares what was acknowledged with what is in the database. Returns the deliveries that were handled. */
function audit(file: string, clients: readonly ClientsReport[], wrong: string[]): number {
  const database = new Database(file, { readonly: true });
  const counts = (query: string) =>
    new Map(
      database.query<{ id: string; n: number }, []>(query).all().map(({ id, n }) => [id, n]),
    );
  try {
    const entries = counts("SELECT id, count(*) AS n FROM entries GROUP BY id");
    const lines = counts("SELECT entry AS id, count(*) AS n FROM lines GROUP BY entry");
    const handled = counts("SELECT id, count(*) AS n FROM handled GROUP BY id");
    for (const { written, never, published } of clients) {
      for (const id of written) {
        if (!entries.has(id)) wrong.push(`${id} was acknowledged and is not there`);
      }
      for (const id of never) {
        if (entries.has(id) || lines.has(id)) wrong.push(`${id} was not committed and is there`);
      }
      for (const id of published) {
        if (!handled.has(id)) wrong.push(`${id} was published and not handled`);
      }
    }
    for (const [id, n] of entries) if (n !== 1) wrong.push(`${id} is there ${n} times`);
    for (const [id, n] of lines) {
      if (n !== 2 || !entries.has(id)) wrong.push(`${id} has ${n} of 2 lines`);
    }
    if (lines.size !== entries.size) {
      wrong.push(`${entries.size} entries have lines of ${lines.size}`);
    }
    if (handled.has("never")) wrong.push("a transaction of a handler that failed is there");
    return handled.values().reduce((sum, n) => sum + n, 0);
  } finally {
    database.close();
  }
}

/** Runs for about so many seconds, a fifth of which warms up. */
export async function soakNetwork(
  { seconds, seed, workers }: SoakOptions,
): Promise<NetworkReport> {
  const runtime = await SoakRuntime.start("network", workers);
  const report: NetworkReport = {
    seconds,
    seed,
    done: {},
    refused: {},
    withoutRoom: 0,
    written: 0,
    put: 0,
    published: 0,
    handled: 0,
    workersKilled: 0,
    memory: { early: 0, late: 0 },
    files: { early: {}, late: {} },
    wrong: [],
  };
  const { control } = runtime.node;
  try {
    await runtime.node.call("net:prepare", []);
    // Workers start when there is a crowd; what they have open is to be there from the start.
    while (control.workers.length < workers) {
      await runtime.node.call("net:crowd", []);
      await Bun.sleep(50);
    }
    const warmUp = await load(runtime, seconds / 5, seed);
    report.wrong.push(...await rest(() => stillOpen(runtime)));
    // The first request from this process starts Bun's thread for requests, which stays.
    const asked = await fetch(`${await addressOf(runtime)}/ask?how=hello`);
    if (await asked.text() !== "fine") report.wrong.push("the server cannot ask itself");
    // A server that stops closes the connections that clients keep, among them those of its own http_client.
    await control.stopService("net:web");
    report.files.early = openFiles();
    report.memory.early = resident();
    await control.startService("net:web");

    const main = await load(runtime, seconds * 4 / 5, seed + 1);
    report.wrong.push(...await rest(() => stillOpen(runtime)));
    await control.stopService("net:web");
    // Before the garbage is collected: what that would close was left open.
    report.wrong.push(...await rest(() => more(report.files.early, openFiles())));
    report.files.late = openFiles();
    report.memory.late = resident();
    report.wrong.push(...growth(report.memory));

    const keys = await keysOf(runtime);
    for (const { done, refused, withoutRoom, wrong, written, put, published } of [warmUp, main]) {
      report.wrong.push(...wrong);
      report.withoutRoom += withoutRoom;
      for (const [kind, count] of Object.entries(done)) {
        report.done[kind] = (report.done[kind] ?? 0) + count;
      }
      for (const [text, count] of Object.entries(refused)) {
        report.refused[text] = (report.refused[text] ?? 0) + count;
      }
      for (const key of put) if (!keys.has(key)) report.wrong.push(`${key} was put and is lost`);
      report.written += written.length;
      report.put += put.length;
      report.published += published.length;
    }
    report.workersKilled = runtime.workersKilled;
    const faults: string[] = [];
    report.handled = audit(join(runtime.folder, "books.db"), [warmUp, main], faults);
    report.wrong.push(...faults.slice(0, mostWrong));
    // A client has one request in flight when a worker dies, and may be behind another one of the server to itself.
    if (total(report.refused) > total(kinds) * report.workersKilled) {
      report.wrong.push("more requests were refused than were in flight when workers died");
    }
    return report;
  } finally {
    await runtime.stop();
  }
}
