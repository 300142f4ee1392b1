import type { Application } from "../../app/app.ts";
import { findCommands } from "../../app/command.ts";
import { lockFileName } from "../../app/lock-name.ts";
import { packSuffix } from "../../app/pack/name.ts";
import type { Problem } from "../../app/problem.ts";
import { findSound } from "../../app/sound.ts";
import { silentSink } from "../../observe/log.ts";
import type { Entry } from "../../registry/entry.ts";
import { workerThread } from "../../node/worker-thread.ts";
import { nearest } from "../../registry/suggestion.ts";
import { CommandError, type Console } from "../terminal/terminal.ts";
import { load, packsFolder } from "./load.ts";
import { report } from "../terminal/report.ts";
import { hasForeground } from "../../services/services.ts";
import { workflowHost } from "../../services/workflow-host/workflow-host.ts";
import { prepareJournal } from "../../workflows/providers/providers.ts";
import { createLog } from "./logging.ts";
import type { ServeOptions } from "./serve.ts";
import { type RunOptions, start, type Task } from "./start.ts";
import { withSyntaxCheck } from "../../app/syntax-check.ts";

/**
 * `wippy run [COMMAND | FILE.wapp] [ARGS…]`: the application of the directory or a pack, with a command of it or
 * without.
 */
export async function run(
  console: Console,
  first: string | undefined,
  rest: string[],
  options: RunOptions,
  serve?: ServeOptions,
): Promise<number> {
  const pack = first?.endsWith(packSuffix) ? first : undefined;
  // Commands run on this thread, anything else on a thread that can begin while the application is read.
  const threaded = options.exec === undefined && (first === undefined || serve !== undefined);
  if (threaded) workerThread.start();
  if (pack !== undefined && options.watch) {
    throw new CommandError("--watch follows source files, and a pack has none", "leave it out");
  }
  const application = await withSyntaxCheck((check) =>
    load(console, options, check, false, {
      unpackInto: packsFolder(console, options),
      ...(pack !== undefined && { pack }),
    })
  );
  if (pack !== undefined && application.entries.length === 0) report(console, application.problems);
  const [command, args] = pack === undefined
    ? [first, rest]
    : commandOfPack(application.entries, rest, options, serve !== undefined);
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
  if (threaded && hasForeground(application.entries)) workerThread.drop();
  if (application.entries.some(opensJournal)) {
    // What fails here fails again when a journal is opened, and is told then.
    prepareJournal().catch(() => {});
  }
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

/** Whether the start of an entry opens a journal. */
function opensJournal({ kind, data }: Entry): boolean {
  const { lifecycle } = data;
  return kind === workflowHost.name && typeof lifecycle === "object" && lifecycle !== null &&
    "auto_start" in lifecycle && lifecycle.auto_start === true;
}

/** The command of a pack: the one that the first argument names, or the main one, or the only one. */
function commandOfPack(
  entries: readonly Entry[],
  args: string[],
  options: RunOptions,
  serve: boolean,
): [command: string | undefined, args: string[]] {
  const [name, ...rest] = args;
  if (options.exec !== undefined || serve) return [name, rest];
  const commands = findCommands(entries);
  const names = commands.map(({ name }) => name);
  if (name !== undefined) {
    if (names.includes(name)) return [name, rest];
    const near = nearest(name, names);
    throw new CommandError(
      `command "${name}" not found in pack`,
      near !== undefined
        ? `did you mean "${near}"?`
        : names.length === 0
        ? "it has no commands"
        : `it has ${names.join(", ")}`,
    );
  }
  const main = commands.filter(({ main }) => main);
  if (main.length > 1) {
    const list = main.map(({ name }) => name).join(", ");
    throw new CommandError(`several commands are marked as main: ${list}`, "name one of them");
  }
  const [chosen = commands[0]] = main;
  if (main.length === 0 && commands.length > 1) {
    throw new CommandError(`no command is marked as main; specify one of: ${names.join(", ")}`);
  }
  return [chosen?.name, []];
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
  if (/^[a-z0-9-]+\/[a-z0-9-]+(?:@.*)?$/.test(command)) {
    return new CommandError(
      `cannot run ${command}: this wippy has no hub to fetch modules from`,
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
