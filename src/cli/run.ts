import { readFileSync } from "node:fs";
import { basename, resolve } from "node:path";
import type { Application } from "../app/application.ts";
import { findCommands } from "../app/command.ts";
import { Config } from "../app/config.ts";
import { lockFileName } from "../app/lock.ts";
import type { Problem } from "../app/problem.ts";
import { findSound } from "../app/sound.ts";
import { loadScript, script } from "../app/script.ts";
import type { Node, NodeOptions } from "../node/node.ts";
import { type LogSink, silentSink } from "../observe/log.ts";
import type { Entry } from "../registry/entry.ts";
import { nearest } from "../registry/suggestion.ts";
import { CommandError, type Console } from "./console.ts";
import { load, report, type SourceOptions } from "./load.ts";
import { memoryLimit } from "./memory-limit.ts";
import { createLog, type LogOptions } from "./logging.ts";
import { watchSources } from "./reload.ts";
import { Shutdown } from "./signals.ts";
import { withSyntaxCheck } from "./syntax.ts";

/** Flags of `wippy run`. */
export interface RunOptions extends SourceOptions, LogOptions {
  exec?: string;
  host?: string;
  workers?: number;
  state?: string;
  watch?: boolean;
  memoryLimit?: string;
}

/** A process to run with the terminal. */
interface Task {
  entry: string;
  host: string;
  args: string[];
}

/** `wippy run [COMMAND] [ARGS…]`: the application, with a command of it or without. */
export async function run(
  console: Console,
  command: string | undefined,
  args: string[],
  options: RunOptions,
): Promise<number> {
  const application = await withSyntaxCheck((check) => load(console, options, check));
  const asked = options.exec !== undefined || command !== undefined;
  if (!application.locked) {
    const fix = 'run "wippy init" there, or name the directory with -C';
    if (asked) throw new CommandError(`no ${lockFileName} in ${console.directory}`, fix);
    const nothing = `no ${lockFileName} in ${console.directory}, so nothing is loaded`;
    console.err(`warning: ${nothing}\n    mend: ${fix}\n`);
  }
  if (application.problems.some(({ severity }) => severity === "error")) {
    const more = await checkSound(application, console.directory);
    report(console, [...application.problems, ...more]);
  }
  report(console, application.problems);
  const task = findTask(application.entries, command, args, options);
  return await start(console, options, {
    entries: application.entries,
    config: application.config,
    modules: application.modules,
    log: createLog(console, options, application.config, asked),
    locate: application.locate,
    ...(task === undefined ? {} : { task }),
  });
}

/** `wippy FILE.lua [ARGS…]`: one Lua file as a process with the terminal. */
export async function runScript(
  console: Console,
  file: string,
  args: string[],
  options: RunOptions,
): Promise<number> {
  const path = resolve(console.directory, file);
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    throw new CommandError(`cannot read ${file}: ${(error as Error).message}`, "correct the path");
  }
  const { entries, problems } = await withSyntaxCheck((check) =>
    Promise.resolve(loadScript(text, file, check))
  );
  report(console, problems);
  return await start(console, options, {
    entries,
    config: Config.empty,
    log: createLog(console, options, Config.empty, true),
    locate: (problem) => ({ ...problem, file: basename(file) }),
    task: { entry: script.process, host: script.terminal, args },
  });
}

/** Everything that a start needs besides the flags. */
interface Start {
  entries: Entry[];
  config: Config;
  modules?: Record<string, string>;
  log: LogSink;
  locate: Application["locate"];
  task?: Task;
}

async function start(console: Console, options: RunOptions, what: Start): Promise<number> {
  const nodeOptions: NodeOptions = {
    entries: what.entries,
    config: what.config,
    ...(what.modules === undefined ? {} : { modules: what.modules }),
    directory: console.directory,
    stateDir: resolve(console.directory, options.state ?? ".wippy"),
    inline: what.task !== undefined,
    log: what.log,
    ...(options.workers === undefined ? {} : { workers: options.workers }),
    memoryLimit: memoryLimit(options.memoryLimit, console.system),
  };
  const shutdown = new Shutdown(what.log, (status) => process.exit(status));
  try {
    // Loaded here, so that a faulty application is told without starting anything.
    const { Node } = await import("../node/node.ts");
    const node = await Node.start(nodeOptions);
    let unwatch = () => {};
    try {
      const found: Problem[] = await node.checkCode();
      report(console, found.map(what.locate));
      await node.launch();
      if (options.watch) unwatch = watchSources(console, options, node);
      what.log.log({
        level: "info",
        time: Date.now(),
        logger: "runtime",
        message: "runtime ready",
        fields: { entries: what.entries.length },
      });
      return await follow(node, shutdown, what.task);
    } finally {
      unwatch();
      await node.stop();
    }
  } finally {
    shutdown.dispose();
  }
}

/** What is wrong with the code of entries that are otherwise right, so that all is told at once. */
async function checkSound(application: Application, directory: string): Promise<Problem[]> {
  const { Node } = await import("../node/node.ts");
  const node = await Node.start({
    entries: findSound(application.entries, application.problems),
    config: application.config,
    directory,
    stateDir: directory,
    workers: 1,
    inline: true,
    log: silentSink,
  });
  try {
    const found: Problem[] = await node.checkCode();
    return found.map(application.locate);
  } finally {
    await node.stop();
  }
}

/** Waits until the command, the runtime or a signal ends the run; gives the exit status. */
async function follow(node: Node, shutdown: Shutdown, task: Task | undefined): Promise<number> {
  if (task === undefined) {
    return await Promise.race([node.done, shutdown.requested.then(() => 0)]);
  }
  const ended = node.runTerminal(task.entry, task.args, task.host);
  const interrupted = shutdown.requested.then(() => undefined);
  const status = await Promise.race([ended, node.done, interrupted]);
  if (status !== undefined) return status;
  // The process hears of the end and may still say how it ended.
  return await Promise.race([ended, node.stop().then(() => 0)]);
}

function findTask(
  entries: readonly Entry[],
  command: string | undefined,
  args: string[],
  options: RunOptions,
): Task | undefined {
  if (options.exec !== undefined) {
    const entry = findProcess(entries, options.exec);
    const all = command === undefined ? args : [command, ...args];
    return { entry, host: findTerminalHost(entries, options.host), args: all };
  }
  if (command === undefined) return undefined;
  const commands = findCommands(entries);
  const found = commands.find(({ name }) => name === command);
  if (found === undefined) throw unknownCommand(command, commands.map(({ name }) => name));
  return { entry: found.entry, host: findTerminalHost(entries, options.host), args };
}

function unknownCommand(command: string, names: readonly string[]): CommandError {
  if (command.endsWith(".wapp")) {
    return new CommandError(
      `cannot run ${command}: packed applications (.wapp) are not supported`,
      "unpack it, and run wippy in its directory",
    );
  }
  if (/^[a-z0-9-]+\/[a-z0-9-]+(?:@.*)?$/.test(command)) {
    return new CommandError(
      `cannot run ${command}: wippy downloads nothing`,
      "get the module, and run wippy in its directory",
    );
  }
  const near = nearest(command, names);
  return new CommandError(
    `command "${command}" not found. Use 'wippy run list' to see available commands`,
    near === undefined ? undefined : `did you mean "${near}"?`,
  );
}

function findProcess(entries: readonly Entry[], id: string): string {
  if (!/^[^:]+:.+$/s.test(id)) {
    throw new CommandError(`invalid exec spec: ${id}`, "write --exec namespace:name");
  }
  const processes = entries.filter(({ kind }) => kind.startsWith("process.lua"));
  if (processes.some((entry) => entry.id === id)) return id;
  const other = entries.find((entry) => entry.id === id);
  const near = nearest(id, processes.map((entry) => entry.id));
  throw new CommandError(
    other === undefined
      ? `process not found: ${id}`
      : `${id} is a ${other.kind}, not a process.lua`,
    near === undefined ? "name a process.lua entry" : `did you mean "${near}"?`,
  );
}

function findTerminalHost(entries: readonly Entry[], wanted: string | undefined): string {
  const hosts = entries.filter(({ kind }) => kind === "terminal.host").map(({ id }) => id);
  if (wanted !== undefined) {
    if (hosts.includes(wanted)) return wanted;
    const list = hosts.length === 0 ? "there is none" : `there is ${hosts.join(", ")}`;
    throw new CommandError(`${wanted} is not a terminal.host`, `name a terminal.host: ${list}`);
  }
  if (hosts.length === 1) return hosts[0];
  if (hosts.length === 0) {
    throw new CommandError(
      "no terminal.host found in registry",
      'add an entry "kind: terminal.host" with "lifecycle: { auto_start: true }"',
    );
  }
  const list = hosts.join(", ");
  throw new CommandError(`multiple terminal hosts found (${list}), use --host to specify`);
}
