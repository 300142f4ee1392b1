import { formatProblem } from "../../app/problem.ts";
import { lockFileName } from "../../app/lock-name.ts";
import { withSyntaxCheck } from "../../app/syntax-check.ts";
import { load, type SourceOptions } from "../run/load.ts";
import { CommandError, type Console } from "../terminal/terminal.ts";

/** Flags of `wippy check`. */
export interface CheckOptions extends SourceOptions {
  json?: boolean;
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}

/**
 * `wippy check`: everything that is wrong with the application, its types and names included, whatever the
 * configuration says of types.
 *
 * @returns the exit status: 1 when something is an error
 */
export async function check(console: Console, options: CheckOptions): Promise<number> {
  const application = await withSyntaxCheck((syntax) => load(console, options, syntax, true));
  if (!application.locked) {
    throw new CommandError(
      `no ${lockFileName} in ${console.directory}`,
      'run "wippy init" there, or name the directory with -C',
    );
  }
  const { problems, entries } = application;
  const errors = problems.filter(({ severity }) => severity === "error").length;
  const warnings = problems.length - errors;
  if (options.json) {
    const diagnostics = problems.map((
      { entry, code, severity, message, file, line, column, fix },
    ) => ({ entry_id: entry, code, severity, message, file, line, column, hint: fix }));
    const result = {
      diagnostics,
      total_entries: entries.length,
      error_count: errors,
      warning_count: warnings,
    };
    console.out(`${JSON.stringify(result, null, 2)}\n`);
  } else {
    for (const problem of problems) console.out(`${formatProblem(problem)}\n`);
    const found = problems.length === 0
      ? "nothing is wrong"
      : `${count(errors, "error")}, ${count(warnings, "warning")}`;
    console.out(`${count(entries.length, "entry").replace(/entrys$/, "entries")}: ${found}\n`);
  }
  return errors > 0 ? 1 : 0;
}
