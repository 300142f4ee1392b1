import { expect } from "bun:test";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Config } from "../../../src/app/config.ts";
import { Node } from "../../../src/node/node.ts";
import type { WorkflowHosts } from "../../../src/node/workflow-hosts.ts";
import type { LogRecord } from "../../../src/observe/log.ts";
import { cleanAfterTest } from "../../cleanup.ts";
import type { Entry } from "../../../src/registry/entry.ts";
import type { Simulation } from "../../../src/platform/simulation.ts";
import type { Jit } from "../../../src/vm/options.ts";
import { WippyError } from "../../../src/vm/error.ts";
import { LuaFloat, type LuaValue } from "../../../src/vm/value.ts";
import { checkJournal } from "../../../src/workflows/providers/sqlite/offline/check.ts";
import { until } from "../../until.ts";

export { failure } from "../application.ts";

/** The body of a unit's main, whose arguments are `...`; or that with fields of its entry; or a whole source. */
export type Body =
  | string
  | { body: string; meta?: Record<string, unknown> }
  | { source: string; meta?: Record<string, unknown> };

/** Units of the namespace `app`, by name. */
export interface Units {
  workflows?: Record<string, Body>;
  functions?: Record<string, Body>;
  processes?: Record<string, Body>;
  /** Fields of `workflow.schedule` entries, by name. */
  schedules?: Record<string, Record<string, unknown>>;
  /** What policies say, by name. */
  policies?: Record<string, Record<string, unknown>>;
}

export interface StartOptions {
  /** Workers at most: 1, in this thread, unless given. */
  workers?: number;
  /** Fields of the workflow host. */
  host?: Record<string, unknown>;
  /** Runs the application, its journal included, in it. */
  simulation?: Simulation;
  /** How functions are compiled to WebAssembly. */
  jit?: Jit;
}

const groups = { workflows: "workflow.lua", functions: "function.lua", processes: "process.lua" };
const modules = [
  "activity",
  "ctx",
  "env",
  "fs",
  "funcs",
  "http_client",
  "json",
  "logger",
  "schedule",
  "security",
  "time",
  "uuid",
  "workflow",
];

/** `note(line)` appends a line to the file that `DurableApplication.notes` reads. */
const note = [
  "local function note(line)",
  'assert(assert(fs.get("app:files")):writefile("notes.txt", tostring(line) .. "\\n", "a"))',
  "end",
].join(" ");

/** The whole source of a unit whose main has this body; the body begins in the first line. */
function sourceOf(body: string): string {
  const requires = modules.map((name) => `require("${name}")`).join(", ");
  const head = `local ${modules.join(", ")} = ${requires} ${note}`;
  return `${head} return { main = function(...) ${body}\nend }`;
}

/** The entries of an application with these units, whose files are in a directory. */
export function entriesOf(
  units: Units,
  directory: string,
  host: Record<string, unknown> = {},
): Entry[] {
  const auto = { lifecycle: { auto_start: true, stop_timeout: "200ms" } };
  const entries: Entry[] = [
    { id: "app:durable", kind: "workflow.host", meta: {}, data: { ...auto, ...host } },
    { id: "app:processes", kind: "process.host", meta: {}, data: auto },
    { id: "app:files", kind: "fs.directory", meta: {}, data: { directory } },
  ];
  for (const [name, policy] of Object.entries(units.policies ?? {})) {
    entries.push({ id: `app:${name}`, kind: "security.policy", meta: {}, data: { policy } });
  }
  for (const [name, data] of Object.entries(units.schedules ?? {})) {
    entries.push({ id: `app:${name}`, kind: "workflow.schedule", meta: {}, data });
  }
  for (const group of ["workflows", "functions", "processes"] as const) {
    for (const [name, unit] of Object.entries(units[group] ?? {})) {
      const { meta = {}, ...code } = typeof unit === "string" ? { body: unit } : unit;
      const source = "source" in code ? code.source : sourceOf(code.body);
      const data = { source, method: "main", modules };
      const id = `app:${name}`;
      if (entries.some((entry) => entry.id === id)) throw new Error(`two units are named ${name}`);
      entries.push({ id, kind: groups[group], meta, data });
    }
  }
  return entries;
}

/** Lua values as a test writes them: floats with an integral value are numbers. */
function plain(value: LuaValue): unknown {
  if (value instanceof LuaFloat) return value.value;
  if (Array.isArray(value)) return value.map(plain);
  if (value instanceof Map || value instanceof WippyError || value instanceof Uint8Array) {
    return value;
  }
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, field]) => [key, plain(field)]));
}

/** An application with a workflow host, in this process, that can be started again on the same journal. */
export class DurableApplication {
  /** What was logged since the first start. */
  readonly logs: LogRecord[] = [];
  readonly directory = mkdtempSync(join(tmpdir(), "wippy-durable-"));
  #node: Node | undefined;

  constructor() {
    cleanAfterTest(() => this.remove());
  }

  /** Starts it, or starts it again with other code. */
  async start(units: Units, options: StartOptions = {}): Promise<void> {
    await this.stop();
    this.#node = await Node.start({
      entries: entriesOf(units, this.directory, options.host),
      config: Config.empty,
      directory: this.directory,
      stateDir: join(this.directory, ".wippy"),
      workers: options.workers ?? 1,
      inline: true,
      ...(options.simulation && { simulation: options.simulation }),
      ...(options.jit && { jit: options.jit }),
      log: { log: (record) => this.logs.push(record) },
    });
    await this.#node.launch();
  }

  /** What callers outside of Lua do with runs. */
  get workflows(): WorkflowHosts {
    if (!this.#node) throw new Error("the application is not started");
    return this.#node.workflows;
  }

  /** Ends a worker as if its VM had died; it is replaced. */
  killWorker(index: number): void {
    this.#node?.killWorker(index);
  }

  /** Changes the code while it runs. */
  async change(units: Units): Promise<void> {
    await this.#node?.registry.applyAll(entriesOf(units, this.directory));
  }

  /** Calls a function. @throws WippyError what it failed with */
  async call(name: string, ...args: LuaValue[]): Promise<unknown> {
    if (!this.#node) throw new Error("the application is not started");
    return plain(await this.#node.call(`app:${name}`, args));
  }

  /** The messages that the unit of that name logged by `print`. */
  printed(name: string): string[] {
    return this.logs.filter(({ logger }) => logger === `app:${name}`).map(({ message }) => message);
  }

  /** The lines that units wrote by `note(line)`. */
  notes(): string[] {
    const path = join(this.directory, "notes.txt");
    return existsSync(path) ? readFileSync(path, "utf8").trim().split("\n") : [];
  }

  /** Fulfilled when the unit of that name has printed something. */
  async printedBy(name: string): Promise<void> {
    await until(() => this.printed(name).length > 0);
  }

  /** Fulfilled when a log record with that text is there. */
  async reported(text: string): Promise<LogRecord> {
    return await until(() => this.logs.find(({ message }) => message.includes(text)));
  }

  /** Stops it; the journal stays. */
  async stop(): Promise<void> {
    await this.#node?.stop();
    this.#node = undefined;
  }

  /** Stops it and removes its folder. @throws when its journal is not as its writer promises */
  async remove(): Promise<void> {
    await this.stop();
    const journal = join(this.directory, ".wippy", "journal.db");
    const faults = existsSync(journal) ? checkJournal(journal).faults : [];
    rmSync(this.directory, { recursive: true, force: true });
    expect(faults).toEqual([]);
  }
}

/** Starts an application; it is removed after the test. */
export async function startDurable(
  units: Units,
  options: StartOptions = {},
): Promise<DurableApplication> {
  const application = new DurableApplication();
  await application.start(units, options);
  return application;
}

/**
 * Runs a workflow with this body among other units and gives its result.
 *
 * @throws WippyError its failure
 */
export async function runWorkflow(body: string, units: Units = {}): Promise<unknown> {
  const application = await startDurable({
    ...units,
    workflows: { ...units.workflows, main: body },
    functions: { ...units.functions, start: 'return workflow.exec("app:main", ...)' },
  });
  return await application.call("start");
}
