import { resolve } from "node:path";
import { Command, CommanderError, Option } from "commander";
import { nearest } from "../registry/suggestion.ts";
import { collect, type CommandContext, size, warnOfDeprecated } from "./command.ts";
import { addCheckCommand } from "./check/commands.ts";
import { addCompletionCommands } from "./completion/commands.ts";
import { addDebugCommand } from "./debug/commands.ts";
import { addFmtCommand } from "./fmt/commands.ts";
import { addInitCommand } from "./init/commands.ts";
import { addJournalCommands } from "./journal/commands.ts";
import { addManCommand } from "./man/commands.ts";
import { addLintCommand } from "./lint/commands.ts";
import { addLspCommand } from "./lsp/commands.ts";
import { addPackCommand } from "./pack/commands.ts";
import { addPackagesCommands } from "./packages/commands.ts";
import { addRegistryCommands } from "./registry/commands.ts";
import { addReplCommand } from "./repl/commands.ts";
import { addRunCommands } from "./run/commands.ts";
import type { LogOptions } from "./run/logging.ts";
import { namesScript } from "./run/script-call.ts";
import { addRuntimeCommands } from "./runtime/commands.ts";
import { addScheduleCommands } from "./schedule/commands.ts";
import { addSchemaCommand } from "./schema/commands.ts";
import { addTypesCommand } from "./types/commands.ts";
import { tellFailure } from "./terminal/failure.ts";
import { CommandError, type Console } from "./terminal/terminal.ts";
import { addTestCommand } from "./test/commands.ts";
import { banner, showVersion, type VersionOptions } from "./terminal/version.ts";
import { addUpgradeCommand } from "./upgrade/commands.ts";
import { addWorkflowCommands } from "./workflow/commands.ts";

/** Flags that may come anywhere. */
interface GlobalOptions extends LogOptions {
  dir?: string;
  config?: string[];
  debug?: boolean;
}

/**
 * Runs the command line.
 *
 * @param args arguments after the program's name
 * @returns the exit status
 */
export async function main(args: readonly string[], console: Console): Promise<number> {
  let status = 0;
  const program = createProgram(console, (result) => status = result, args[0]);
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

/**
 * Definitions that are enough for a call whose first argument is this: to define all commands takes longer than the
 * command line itself.
 */
const alone: Readonly<Record<string, (program: Command, context: CommandContext) => void>> = {
  run: addRunCommands,
  serve: addRunCommands,
  test: addTestCommand,
};

/**
 * Makes the program: its commands, and the flags that may come anywhere.
 *
 * @param first the first argument, where only its command will run. @default all commands are defined
 */
export function createProgram(
  console: Console,
  finish: (status: number) => void,
  first?: string,
): Command {
  const program = withTexts(withGlobals(new Command("wippy")), console);
  program.action(() => {
    const [unknown] = program.args;
    if (unknown !== undefined) throw unknownCommand(program, unknown);
    console.out(`${banner()}\n\n${program.helpInformation()}`);
  });
  const context: CommandContext = {
    here: () => {
      const { dir } = program.opts<GlobalOptions>();
      return dir === undefined
        ? console
        : { ...console, directory: resolve(console.directory, dir) };
    },
    finish,
  };
  warnOfDeprecated(program, (text) => console.err(text));
  if (first !== undefined && Object.hasOwn(alone, first)) {
    alone[first]!(program, context);
    return program;
  }
  addRunCommands(program, context);
  addInitCommand(program, context);
  addReplCommand(program, context);
  addCheckCommand(program, context);
  addLintCommand(program, context);
  addFmtCommand(program, context);
  addTestCommand(program, context);
  addPackCommand(program, context);
  addDebugCommand(program, context);
  addPackagesCommands(program, context);
  addSchemaCommand(program, context);
  addTypesCommand(program, context);
  addLspCommand(program, context);
  addRegistryCommands(program, context);
  addWorkflowCommands(program, context);
  addScheduleCommands(program, context);
  addJournalCommands(program, context);
  addRuntimeCommands(program, context);
  program.command("version")
    .description("show the version")
    .option("--short", "only the number")
    .addOption(new Option("--json", "print JSON").conflicts(["short", "licenses"]))
    .addOption(
      new Option("--licenses", "licence notices of everything in this executable")
        .conflicts("short"),
    )
    .action(async (options: VersionOptions) => finish(await showVersion(console, options)));
  addUpgradeCommand(program, context);
  addCompletionCommands(program, context);
  addManCommand(program, context);
  return program;
}

function withGlobals(program: Command): Command {
  return program
    .option("-C, --dir <directory>", "run in that directory")
    .option("--config <file>", "configuration file, repeatable (default: .wippy.yaml)", collect)
    .option("-v, --verbose", "log at level debug")
    .option("--very-verbose", "log at level debug, with stack traces")
    .option("-c, --console", "log as coloured lines on standard output")
    .option("-s, --silent", "no logs")
    .option("-m, --memory-limit <size>", "Lua memory of a worker, such as 512M (default: 1G)")
    .addOption(
      new Option("--jit <mode>", "compile hot Lua functions to WebAssembly")
        .choices(["off", "on"]).default("on"),
    )
    .option("--jit-memory <size>", "compiled code that a worker keeps (default: 2M)", size)
    .option("--debug", "show the stack trace if wippy itself fails");
}

function withTexts(program: Command, console: Console): Command {
  return program
    .description("Runs Lua functions, processes and durable workflows.")
    .exitOverride()
    .allowExcessArguments()
    .helpCommand("help [command]", "show help")
    .configureOutput({
      writeOut: (text) => console.out(text),
      writeErr: (text) => console.err(text),
      outputError: (text, write) => write(text.replace(/^error: /, "Error: ")),
    })
    .showHelpAfterError("    hint: wippy help lists commands and flags")
    .addHelpText(
      "after",
      "\nRun a Lua file:                 wippy FILE.lua [ARGS...]\n" +
        "Run the given code:             wippy -e CODE [ARGS...]\n" +
        "Run code from standard input:   wippy - [ARGS...]",
    );
}

function unknownCommand(program: Command, name: string): CommandError {
  const near = nearest(name, program.commands.map((command) => command.name()));
  return new CommandError(
    `unknown command "${name}"`,
    near === undefined
      ? `wippy help lists commands; run a command of the application with: wippy run ${name}`
      : `did you mean "wippy ${near}"?`,
  );
}
