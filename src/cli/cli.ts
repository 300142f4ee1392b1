import { resolve } from "node:path";
import { Command, CommanderError, InvalidArgumentError, Option } from "commander";
import { nearest } from "../registry/suggestion.ts";
import { CommandError, type Console } from "./terminal/console.ts";
import { tellFailure } from "./terminal/failure.ts";
import type { LogOptions } from "./run/logging.ts";
import { namesScript } from "./run/script-call.ts";
import type { ListOptions, ShowOptions } from "./run/registry.ts";
import type { ScriptOptions } from "./run/script.ts";
import type { ServeOptions } from "./run/serve.ts";
import type { RunOptions } from "./run/start.ts";
import type { InitOptions } from "./run/init.ts";
import { addRuntimeCommands } from "./runtime/commands.ts";
import { banner, showVersion } from "./terminal/version.ts";
import { addScheduleCommands } from "./schedule/commands.ts";
import { addJournalCommands, addWorkflowCommands, count } from "./workflow/commands.ts";

/** Flags that may come anywhere. */
interface GlobalOptions extends LogOptions {
  dir?: string;
  config?: string[];
  debug?: boolean;
}

function collect(value: string, previous: string[] | undefined): string[] {
  return [...previous ?? [], value];
}

function wholeNumber(text: string): number {
  if (!/^[1-9]\d{0,3}$/.test(text)) throw new InvalidArgumentError("Write a whole number from 1.");
  return Number(text);
}

/**
 * Runs the command line.
 *
 * @param args arguments after the program's name
 * @returns the exit status
 */
export async function main(args: readonly string[], console: Console): Promise<number> {
  let status = 0;
  const program = createProgram(console, (result) => status = result);
  try {
    await program.parseAsync(expandScript(program, args), { from: "user" });
    return status;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 1;
    return tellFailure(console, error, program.opts<GlobalOptions>().debug);
  }
}

/**
 * `wippy --state DIR FILE.lua --flag` becomes `wippy script --state DIR -- FILE.lua --flag`: flags in front of
 * the file are ours, those behind it are its own.
 */
function expandScript(program: Command, args: readonly string[]): string[] {
  const command = program.commands.find((command) => command.name() === "script");
  const known = [...program.options, ...command?.options ?? []];
  const takesValue = (flag: string) =>
    known.some((option) => option.required && (option.short === flag || option.long === flag));
  let index = 0;
  let code = false;
  for (let flag = args[0]; flag !== undefined && /^-./.test(flag) && flag !== "--" && !code;) {
    code = /^(?:-e|--eval|--eval=.*)$/s.test(flag);
    index += takesValue(flag) ? 2 : 1;
    flag = args[index];
  }
  const file = args[index];
  // The value of the last flag is missing; a "--" behind it would be taken for it.
  if (index > args.length) return code ? ["script", ...args] : [...args];
  if (!code && (file === undefined || !namesScript(file))) return [...args];
  return ["script", ...args.slice(0, index), "--", ...args.slice(index)];
}

function createProgram(console: Console, finish: (status: number) => void): Command {
  const program = new Command("wippy")
    .description("Runs Lua functions, processes and durable workflows.")
    .option("-C, --dir <directory>", "run in that directory")
    .option("--config <file>", "configuration file, repeatable (default: .wippy.yaml)", collect)
    .option("-v, --verbose", "log at level debug")
    .option("--very-verbose", "log at level debug, with stack traces")
    .option("-c, --console", "log as coloured lines on standard output")
    .option("-s, --silent", "no logs")
    .option("-m, --memory-limit <size>", "Lua memory of a worker, like 512M (default: 1G)")
    .option("--debug", "show our own stack trace when wippy itself fails")
    .exitOverride()
    .allowExcessArguments()
    .helpCommand("help [command]", "show help")
    .configureOutput({
      writeOut: (text) => console.out(text),
      writeErr: (text) => console.err(text),
      outputError: (text, write) => write(text.replace(/^error: /, "Error: ")),
    })
    .showHelpAfterError("    hint: wippy help shows what there is")
    .addHelpText(
      "after",
      "\nA Lua file runs by itself:  wippy FILE.lua [ARGS...]\n" +
        "Code of the command line:   wippy -e CODE [ARGS...]\n" +
        "Code of standard input:     wippy - [ARGS...]",
    );
  /** The outside of a command, moved to the directory named by -C. */
  const here = (): Console => {
    const { dir } = program.opts<GlobalOptions>();
    return dir === undefined ? console : { ...console, directory: resolve(console.directory, dir) };
  };

  program.action(() => {
    const [unknown] = program.args;
    if (unknown !== undefined) throw unknownCommand(program, unknown);
    console.out(`${banner()}\n\n${program.helpInformation()}`);
  });

  withSources(program.command("run"))
    .description("run the application, or a command of it")
    .argument("[command]", "a named command; list shows them")
    .argument("[args...]", "its arguments; those that look like flags come after --")
    .option("-x, --exec <id>", "run this process on a terminal host, then exit")
    .option("--host <id>", "terminal host for the command; only needed with several")
    .addOption(
      new Option("--workers <number>", "worker threads (default: one a core)")
        .argParser(wholeNumber),
    )
    .option("--state <directory>", "where the runtime keeps its files (default: .wippy)")
    .option("--watch", "take changes of the files over while it runs")
    .action(async (name: string | undefined, rest: string[], _options, command: Command) => {
      const options = command.optsWithGlobals<RunOptions>();
      if (name === "list" && options.exec === undefined) {
        const { listCommands } = await import("./run/list.ts");
        return finish(await listCommands(here(), options));
      }
      if (options.exec === undefined && name?.endsWith(".lua")) {
        const { runScript } = await import("./run/script.ts");
        return finish(await runScript(here(), name, rest, options));
      }
      const { run } = await import("./run/run.ts");
      finish(await run(here(), name, rest, options));
    });

  withSources(program.command("serve"))
    .description("run the application with its admin page")
    .option("--host <address>", "address to listen on", "127.0.0.1")
    .option("--port <number>", "port; 0 takes a free one", count, 7777)
    .option("--allow-host <name>", "a further name of this server, repeatable", collect)
    .option("--tls-cert <file>", "certificate, in PEM")
    .option("--tls-key <file>", "its key, in PEM")
    .option("--insecure", "listen for other machines without TLS, behind a proxy that has it")
    .addOption(
      new Option("--workers <number>", "worker threads (default: one a core)")
        .argParser(wholeNumber),
    )
    .option("--state <directory>", "where the runtime keeps its files (default: .wippy)")
    .option("--watch", "take changes of the files over while it runs")
    .action(async (_options, command: Command) => {
      const options = command.optsWithGlobals<RunOptions & ServeOptions>();
      const [{ run }, { checkServe }] = await Promise.all([
        import("./run/run.ts"),
        import("./run/serve.ts"),
      ]);
      checkServe(options);
      // --host of run names a terminal host; here it is an address.
      const { host: _, ...rest } = options;
      finish(await run(here(), undefined, [], rest, options));
    });

  program.command("script", { hidden: true })
    .argument("[args...]")
    .option("-e, --eval <code>", "run this instead of a file")
    .option("--sandbox", "without files, network, programs and environment variables")
    .option("--state <directory>", "where open runs of its workflows live")
    .addOption(
      new Option("--workers <number>", "worker threads (default: one a core)")
        .argParser(wholeNumber),
    )
    .action(async (args: string[], _options, command: Command) => {
      const { runCode, runScript } = await import("./run/script.ts");
      const options = command.optsWithGlobals<ScriptOptions>();
      if (options.eval !== undefined) {
        return finish(await runCode(here(), options.eval, args, options));
      }
      const [file, ...rest] = args;
      if (file === undefined) throw new CommandError("no script given", "write wippy FILE.lua");
      finish(await runScript(here(), file, rest, options));
    });

  program.command("repl")
    .description("type Lua, and see what it gives")
    .option("--sandbox", "without files, network, programs and environment variables")
    .option("--state <directory>", "where runs of workflows live (default: they end with it)")
    .action(async (_options, command: Command) => {
      const { repl } = await import("./repl/repl.ts");
      finish(await repl(here(), command.optsWithGlobals<ScriptOptions>(), process));
    });

  program.command("init")
    .description("write wippy.lock, which makes a directory an application")
    .option("-d, --src-dir <directory>", "sources", "./src")
    .option("--modules-dir <directory>", "installed modules", ".wippy")
    .option("-l, --lock-file <file>", "the file to write", "wippy.lock")
    .action(async (options: InitOptions) => {
      const { initialise } = await import("./run/init.ts");
      finish(initialise(here(), options));
    });

  const registry = program.command("registry").description(
    "look at the entries of the application",
  );
  withSources(registry.command("list"))
    .description("list entries")
    .option("-k, --kind <pattern>", "only this kind; one * is allowed")
    .option("-n, --ns <pattern>", "only this namespace")
    .option("--name <pattern>", "only this name")
    .option(
      "--meta <filter>",
      "only this metadata: f=v f~re f*sub f^pre f$suf, repeatable",
      collect,
    )
    .option("--json", "as JSON")
    .option("--yaml", "as YAML")
    .action(async (_options, command: Command) => {
      const { listEntries } = await import("./run/registry.ts");
      finish(await listEntries(here(), command.optsWithGlobals<ListOptions>()));
    });
  withSources(registry.command("show"))
    .description("show one entry")
    .argument("<id>", "its identifier, or its name where that is unambiguous")
    .option("-f, --field <name>", "only this field of its data")
    .option("--raw", "the field without a newline at the end")
    .option("--json", "as JSON")
    .option("--yaml", "as YAML")
    .action(async (id: string, _options, command: Command) => {
      const { showEntry } = await import("./run/registry.ts");
      finish(await showEntry(here(), id, command.optsWithGlobals<ShowOptions>()));
    });

  addWorkflowCommands(program, { here, finish });
  addScheduleCommands(program, { here, finish });
  addJournalCommands(program, { here, finish });
  addRuntimeCommands(program, { here, finish });

  program.command("version")
    .description("show the version")
    .option("--short", "only the number")
    .option("--licenses", "licence notices of everything in this executable")
    .action(async (options: { short?: boolean; licenses?: boolean }) =>
      finish(await showVersion(console, options))
    );
  return program;
}

/** Adds the flags that change what is loaded. */
function withSources(command: Command): Command {
  return command
    .option("-o, --override <key=value>", "namespace:entry:field=value, repeatable", collect)
    .option("--set <key=value>", "configuration section.path=value, repeatable", collect);
}

function unknownCommand(program: Command, name: string): CommandError {
  const near = nearest(name, program.commands.map((command) => command.name()));
  return new CommandError(
    `unknown command "${name}"`,
    near === undefined
      ? `wippy help shows all; a command of the application is run with: wippy run ${name}`
      : `did you mean "wippy ${near}"?`,
  );
}
