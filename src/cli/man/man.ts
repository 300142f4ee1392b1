import type { Command, Option } from "commander";
import { visibleCommands, visibleOptions } from "../completion/candidates.ts";
import type { Console } from "../terminal/terminal.ts";
import { version } from "../terminal/version.ts";

/** `wippy man` */
export function showManual(console: Console, program: Command): number {
  console.out(manualPage(program));
  return 0;
}

/**
 * Returns the manual page in the language of man(7). It has no date, so that the same version makes the same page.
 *
 * @param program the commands and flags that it documents
 */
export function manualPage(program: Command): string {
  const lines = [
    `.TH WIPPY 1 "" "wippy ${roff(version)}" "User Commands"`,
    ".SH NAME",
    "wippy \\- run Lua functions, processes and durable workflows",
    ".SH SYNOPSIS",
    ...["[\\fIflags\\fR] \\fIcommand\\fR", "[\\fIflags\\fR] \\fIFILE.lua\\fR [\\fIargs\\fR...]"]
      .map(
        (form, index) => `${index === 0 ? "" : ".br\n"}.B wippy\n${form}`,
      ),
    ".SH DESCRIPTION",
    "wippy is one executable that runs applications written in Lua. An application consists of",
    "functions, of processes that have state and receive messages, and of workflows, which continue",
    "after a crash where they were. A file named on the command line runs as a script.",
    ".SH FLAGS",
    "These flags may appear anywhere. After \\fB\\-\\-\\fR nothing is a flag.",
    ...visibleOptions(program).flatMap(optionLines),
    ".SH COMMANDS",
    ...visibleCommands(program).flatMap((command) => commandLines(command, "wippy")),
    ".SH EXIT STATUS",
    ...entry("0", "success; an orderly shutdown after SIGINT or SIGTERM; help"),
    ...entry("1", "any error, a command that failed, a second signal"),
    ...entry("other", "the number that the command of the application returned"),
    ".SH ENVIRONMENT",
    ...entry("GOMEMLIMIT", "Lua memory of a worker where \\-\\-memory\\-limit is not given"),
    ...entry("NO_COLOR", "no colors on standard output"),
    ...entry("WIPPY_RELEASES", "folder or address that wippy upgrade takes releases from"),
    ...entry(
      "WIPPY_RELEASE_KEY",
      "minisign public key, or its file, that releases must be signed with",
    ),
    ".SH FILES",
    ...entry("wippy.lock", "makes a directory an application and names its folders"),
    ...entry(".wippy.yaml", "configuration of the application"),
    ...entry(".wippy/", "state folder of the runtime: journal, socket, tokens"),
  ];
  return `${lines.join("\n")}\n`;
}

function entry(term: string, text: string): string[] {
  return [".TP", `.B ${term}`, text];
}

/** A command with its flags, and the commands below it. */
function commandLines(command: Command, parent: string): string[] {
  const name = `${parent} ${command.name()}`;
  const below = visibleCommands(command).filter((each) => each.name() !== "help");
  const args = command.registeredArguments.map((each) => {
    const text = `${each.name()}${each.variadic ? "..." : ""}`;
    return each.required ? ` \\fI${roff(text)}\\fR` : ` [\\fI${roff(text)}\\fR]`;
  });
  const own = [
    `.SS ${roff(name)}${args.join("")}`,
    sentence(command.description() || name),
    ...visibleOptions(command).filter(({ long }) => long !== "--help").flatMap(optionLines),
  ];
  return [...own, ...below.flatMap((each) => commandLines(each, name))];
}

function optionLines(option: Option): string[] {
  const flags = roff(option.flags).replaceAll(/<([^>]*)>/g, "\\fI$1\\fB");
  const choices = option.argChoices === undefined ? "" : ` (${option.argChoices.join(", ")})`;
  const standard = option.defaultValue === undefined || typeof option.defaultValue === "boolean"
    ? ""
    : ` (default: ${option.defaultValue})`;
  return [".TP", `.B ${flags}`, roff(`${option.description}${choices}${standard}`)];
}

function sentence(text: string): string {
  return roff(`${text[0]!.toUpperCase()}${text.slice(1)}.`);
}

/** A text as roff has it: hyphens that can be copied, and no line that looks like a request. */
function roff(text: string): string {
  const escaped = text.replaceAll("\\", "\\e").replaceAll("-", "\\-").replaceAll("\n", " ");
  return /^[.']/.test(escaped) ? `\\&${escaped}` : escaped;
}
