import type { Application } from "../../app/app.ts";
import { findCommands } from "../../app/command.ts";
import { lockFileName } from "../../app/lock-name.ts";
import type { Problem } from "../../app/problem.ts";
import { findSound } from "../../app/sound.ts";
import { silentSink } from "../../observe/log.ts";
import type { Entry } from "../../registry/entry.ts";
import { nearest } from "../../registry/suggestion.ts";
import { CommandError, type Console } from "../terminal/terminal.ts";
import { load } from "./load.ts";
import { report } from "../terminal/report.ts";
import { createLog } from "./logging.ts";
import type { ServeOptions } from "./serve.ts";
import { type RunOptions, start, type Task } from "./start.ts";
import { withSyntaxCheck } from "../../app/syntax-check.ts";

/** `wippy run [COMMAND] [ARGS…]`: the application, with a command of it or without. */
export async function run(
  console: Console,
  command: string | undefined,
  args: string[],
  options: RunOptions,
  serve?: ServeOptions,
): Promise<number> {
  const application = await withSyntaxCheck((check) => load(console, options, check));
  const asked = options.exec !== undefined || command !== undefined;
  if (!application.locked) {
    const fix = 'run "wippy init" there, or name the directory with -C';
    if (asked) throw new CommandError(`no ${lockFileName} in ${console.directory}`, fix);
    const nothing = `no ${lockFileName} in ${console.directory}, so nothing is loaded`;
    console.err(`warning: ${nothing}\n    hint: ${fix}\n`);
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
    ...(serve === undefined ? {} : { serve }),
  });
}

/** What is wrong with the code of entries that are otherwise right, so that all is told at once. */
async function checkSound(application: Application, directory: string): Promise<Problem[]> {
  const { Node } = await import("../../node/node.ts");
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
  if (command === undefined) {
    if (options.host === undefined) return undefined;
    throw new CommandError("--host names the terminal host of a command", "name a command too");
  }
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
  const [host] = hosts;
  if (host !== undefined && hosts.length === 1) return host;
  if (hosts.length === 0) {
    throw new CommandError(
      "no terminal.host found in registry",
      'add an entry "kind: terminal.host" with "lifecycle: { auto_start: true }"',
    );
  }
  const list = hosts.join(", ");
  throw new CommandError(`multiple terminal hosts found (${list}), use --host to specify`);
}
