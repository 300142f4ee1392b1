import { formatProblem, type Problem, sortProblems } from "../../app/problem.ts";
import { CommandError, type Console } from "./terminal.ts";

/** Words for a number of things: `1 error`, `2 errors`. */
function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}

/**
 * Prints problems, and stops the command when one of them is an error.
 *
 * @param what what has the problems
 * @throws CommandError
 */
export function report(
  console: Console,
  problems: readonly Problem[],
  what = "application",
): void {
  for (const problem of sortProblems(problems)) console.err(`${formatProblem(problem)}\n`);
  const errors = problems.filter((problem) => problem.severity === "error").length;
  if (errors === 0) return;
  const warnings = problems.length - errors;
  const more = warnings === 0 ? "" : ` and ${count(warnings, "warning")}`;
  throw new CommandError(`the ${what} has ${count(errors, "error")}${more}; nothing was run`);
}
