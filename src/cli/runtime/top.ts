/**
 * `wippy top`: the busiest units, live.
 * @module
 */
import { oneLine, withControls } from "../../observe/clean.ts";
import { bytes, span } from "../../observe/measure.ts";
import { connect, type ConnectOptions } from "../connection.ts";
import type { Console } from "../terminal/terminal.ts";
import type { Got } from "../../admin/client.ts";
import { fetchUnits, type Unit } from "./ps.ts";
import { workerText } from "./runtime.ts";
import { table } from "../terminal/table.ts";

/** How often it is shown again, in milliseconds. */
const interval = 1000;
/** Units that are looked at: all of a small system, the first ones of a large one. */
const looked = 5000;
/** Fuel that a worker burns in a second when it does nothing else; see `docs/reference/benchmarks.md`. */
const fuelPerSecond = 60_000_000;

/** Where it is shown and what is typed meanwhile. */
export interface Screen {
  stdin: NodeJS.ReadStream;
  stdout: NodeJS.WriteStream;
  once(event: "SIGINT", listener: () => void): unknown;
}

interface Sample {
  at: number;
  fuel: Map<string, number>;
}

/** A picture of the system, the busiest since the last sample first. */
function picture(
  status: Got<"/status">,
  units: readonly Unit[],
  before: Sample | undefined,
  height: number,
): string {
  const seconds = before ? (status.now - before.at) / 1000 : 0;
  const rated = units.map((unit) => {
    const known = before?.fuel.get(unit.pid);
    const burnt = unit.fuel - (known ?? (before ? 0 : unit.fuel));
    return { unit, load: seconds > 0 ? burnt / seconds / fuelPerSecond : 0 };
  }).sort((left, right) => right.load - left.load || right.unit.mailbox - left.unit.mailbox);
  const workers = status.workers.map(workerText).join("  ");
  const heading = `wippy ${status.version}  up ${span(status.now - status.started)}  ` +
    `units ${status.units}  memory ${bytes(status.memory.resident)}  workers ${workers}\n\n`;
  const rows = rated.slice(0, Math.max(1, height - 5)).map(({ unit, load }) => [
    `${(load * 100).toFixed(1)}%`,
    unit.pid,
    unit.entry,
    unit.state,
    String(unit.mailbox),
    unit.started === undefined ? "" : span(status.now - unit.started),
    unit.names.join(", "),
  ]);
  return heading + table(["LOAD", "PID", "ENTRY", "STATE", "MAILBOX", "AGE", "NAMES"], rows);
}

/** `wippy top`; if the output is not a terminal it prints one sample of one second. */
export async function top(
  console: Console,
  options: ConnectOptions,
  screen: Screen,
): Promise<number> {
  const connection = connect(console, options);
  let before: Sample | undefined;
  const look = async () => {
    const status = await connection.get("/status");
    const { units } = await fetchUnits(connection, { limit: looked });
    const last = before;
    before = { at: status.now, fuel: new Map(units.map(({ pid, fuel }) => [pid, fuel])) };
    return options.json
      ? `${JSON.stringify({ status, units })}\n`
      : picture(status, units, last, screen.stdout.rows ?? 40);
  };
  await look();
  await Bun.sleep(interval);
  if (!screen.stdout.isTTY || options.json) {
    console.out(await look());
    return 0;
  }
  const ended = Promise.withResolvers<void>();
  screen.once("SIGINT", ended.resolve);
  screen.stdin.setRawMode?.(true);
  screen.stdin.on("data", (typed: Uint8Array) => {
    const text = new TextDecoder().decode(typed);
    if (text === "q" || text === "\u0003" || text === "\u001b") ended.resolve();
  });
  let over = false;
  void ended.promise.then(() => over = true);
  console.out(withControls("\u001b[?1049h\u001b[?25l"));
  try {
    while (!over) {
      const width = screen.stdout.columns ?? 80;
      const lines = (await look()).split("\n").map((line) =>
        [...oneLine(line)].slice(0, width).join("")
      );
      console.out(withControls(`\u001b[H\u001b[J${lines.join("\r\n")}`));
      await Promise.race([Bun.sleep(interval), ended.promise]);
    }
  } finally {
    console.out(withControls("\u001b[?25h\u001b[?1049l"));
    screen.stdin.setRawMode?.(false);
    screen.stdin.pause();
  }
  return 0;
}
