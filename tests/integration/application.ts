import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stringify } from "yaml";
import { loadApplication } from "../../src/app/app.ts";
import { formatProblem, type Problem } from "../../src/app/problem.ts";
import { withSyntaxCheck } from "../../src/app/syntax-check.ts";
import { Node } from "../../src/node/node.ts";
import type { LogRecord } from "../../src/observe/log.ts";
import type { Simulation } from "../../src/platform/simulation.ts";
import { WippyError } from "../../src/vm/error.ts";
import type { LuaValue } from "../../src/vm/value.ts";
import { cleanAfterTest } from "../cleanup.ts";

/** A Lua entry: its source, or its source with further fields of the entry. */
export type Code = string | { source: string; [field: string]: unknown };

/** An application of the namespace `app`; every source is the text of a file. */
export interface Sources {
  functions?: Record<string, Code>;
  processes?: Record<string, Code>;
  libraries?: Record<string, Code>;
  /** Entries without code, by name. */
  entries?: Record<string, Record<string, unknown>>;
  /** The configuration file. */
  config?: Record<string, unknown>;
}

export interface StartOptions {
  /** Workers at most: 1, in this thread, unless given. */
  workers?: number;
  /** The first worker gets a thread of its own. */
  threads?: boolean;
  /** Bytes of Lua memory of one worker. */
  memoryLimit?: number;
  /** Runs the application in it. */
  simulation?: Simulation;
}

const kinds = { functions: "function.lua", processes: "process.lua", libraries: "library.lua" };
/** Modules that every entry lists unless it brings a list of its own. */
const modules = ["ctx", "funcs", "time"];

const host = { kind: "process.host", lifecycle: { auto_start: true, stop_timeout: "500ms" } };

/** Entry and files of the sources, in the folder `src`. */
function write(directory: string, sources: Sources): void {
  const entries: Record<string, unknown>[] = [{ name: "processes", ...host }];
  mkdirSync(join(directory, "src"));
  for (const [name, entry] of Object.entries(sources.entries ?? {})) {
    entries.push({ name, ...entry });
  }
  for (const group of ["functions", "processes", "libraries"] as const) {
    for (const [name, code] of Object.entries(sources[group] ?? {})) {
      const { source, ...fields } = typeof code === "string" ? { source: code } : code;
      writeFileSync(join(directory, "src", `${name}.lua`), source);
      const method = group === "functions" ? { method: "main" } : {};
      const common = { name, kind: kinds[group], source: `file://${name}.lua` };
      entries.push({ ...common, ...method, modules, ...fields });
    }
  }
  if (sources.config) writeFileSync(join(directory, ".wippy.yaml"), stringify(sources.config));
  writeFileSync(join(directory, "wippy.lock"), "directories: { src: ./src }\n");
  writeFileSync(
    join(directory, "src", "_index.yaml"),
    stringify({ version: "1.0", namespace: "app", entries }),
  );
}

/** An application that runs in this process. */
export class TestApplication {
  /** Everything that was logged, in order. */
  readonly logs: LogRecord[] = [];
  readonly #directory: string;
  #node!: Node;

  private constructor(directory: string) {
    this.#directory = directory;
  }

  /** The runtime, for what tools ask of it. */
  get node(): Node {
    return this.#node;
  }

  /** The absolute path of a file of its sources: `src/NAME.lua`. */
  path(file: string): string {
    return join(this.#directory, file);
  }

  /** Starts one that its user stops. */
  static async start(sources: Sources, options: StartOptions): Promise<TestApplication> {
    const application = new TestApplication(mkdtempSync(join(tmpdir(), "wippy-kernel-")));
    try {
      await application.#start(sources, options);
    } catch (error) {
      await application.stop();
      throw error;
    }
    return application;
  }

  async #start(sources: Sources, options: StartOptions): Promise<void> {
    const directory = this.#directory;
    write(directory, sources);
    const { entries, problems, config } = await withSyntaxCheck((checkSyntax) =>
      loadApplication({ directory, system: {}, checkSyntax })
    );
    if (problems.length > 0) throw new Error(problems.map(formatProblem).join("\n"));
    this.#node = await Node.start({
      entries,
      config,
      directory,
      stateDir: join(directory, ".wippy"),
      workers: options.workers ?? 1,
      inline: options.threads !== true,
      log: { log: (record) => this.logs.push(record) },
      ...(options.simulation && { simulation: options.simulation }),
      ...(options.memoryLimit !== undefined && { memoryLimit: options.memoryLimit }),
    });
    await this.#node.launch();
  }

  /** Calls a function of the namespace `app`. @throws WippyError what the function failed with */
  call(name: string, ...args: LuaValue[]): Promise<LuaValue> {
    return this.#node.call(`app:${name}`, args);
  }

  /** What is wrong with the code, found by running the body of every entry. */
  checkCode(): Promise<Problem[]> {
    return this.#node.checkCode();
  }

  /** The messages of log records whose logger is the entry of that name. */
  logged(name: string): string[] {
    return this.logs.filter(({ logger }) => logger === `app:${name}`).map(({ message }) => message);
  }

  /** Stops orderly. Twice is once. */
  async stop(): Promise<void> {
    await this.#node?.stop();
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

/** Starts an application; it is stopped after the test. */
export async function startApplication(
  sources: Sources,
  options: StartOptions = {},
): Promise<TestApplication> {
  const application = await TestApplication.start(sources, options);
  cleanAfterTest(() => application.stop());
  return application;
}

/** The source of a unit whose main has this body; its arguments are `...`. */
export function main(body: string): string {
  return `local time, funcs = require("time"), require("funcs")
local function main(...)
${body}
end
return { main = main }
`;
}

/** Runs a process with this body among other units, and gives its result. @throws WippyError its failure */
export async function runProcess(
  body: string,
  sources: Sources = {},
  options: StartOptions = {},
): Promise<LuaValue> {
  const application = await startApplication({
    ...sources,
    functions: {
      ...sources.functions,
      start_main:
        'return { main = function() return process.exec("app:main", "app:processes") end }',
    },
    processes: { ...sources.processes, main: main(body) },
  }, options);
  return await application.call("start_main");
}

/** Runs a function with this body among other units, and gives its result. @throws WippyError its failure */
export async function runFunction(
  body: string,
  sources: Sources = {},
  options: StartOptions = {},
): Promise<LuaValue> {
  const functions = { ...sources.functions, main: main(body) };
  const application = await startApplication({ ...sources, functions }, options);
  return await application.call("main");
}

/** The error that a promise is rejected with. @throws Error when it is fulfilled */
export async function failure(promise: Promise<unknown>): Promise<WippyError> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof WippyError) return error;
    throw error;
  }
  throw new Error("it did not fail");
}
