import { formatProblem, type Problem } from "../../app/problem.ts";
import { lockFileName } from "../../app/lock-name.ts";
import { withSyntaxCheck } from "../../app/syntax-check.ts";
import { sarif } from "../lint/sarif.ts";
import { load, type SourceOptions } from "../run/load.ts";
import { CommandError, type Console } from "../terminal/terminal.ts";
import type { CheckedHistories, HistoryProblem } from "./histories.ts";

/** Flags of `wippy check`. */
export interface CheckOptions extends SourceOptions {
  json?: boolean;
  sarif?: boolean;
  /** State folders and exported histories; true: the application's own state folder. */
  histories?: true | string[];
  /** Most open runs that are replayed. */
  limit: number;
}

type Found = Problem & Partial<Pick<HistoryProblem, "run">>;

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}

function plural(number: number, one: string, many: string): string {
  return `${number} ${number === 1 ? one : many}`;
}

/**
 * `wippy check`: everything that is wrong with the application, its types and names included, whatever the
 * configuration says of types; and, on request, recorded runs that the code does not repeat.
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
  const problems: Found[] = [...application.problems];
  const isSound = problems.every(({ severity }) => severity !== "error");
  let histories: CheckedHistories | undefined;
  if (options.histories !== undefined && isSound) {
    const { checkHistories } = await import("./histories.ts");
    const sources = options.histories === true ? [] : options.histories;
    histories = await checkHistories(console, application, sources, options.limit);
    problems.push(...histories.problems);
  }
  const errors = problems.filter(({ severity }) => severity === "error").length;
  const totals = { entries: application.entries.length, errors };
  if (options.json) console.out(`${json(problems, totals, histories)}\n`);
  else if (options.sarif) console.out(`${sarif(problems.map(resultOf))}\n`);
  else {
    for (const problem of problems) console.out(`${formatProblem(problem)}\n`);
    const found = problems.length === 0
      ? "nothing is wrong"
      : `${count(errors, "error")}, ${count(problems.length - errors, "warning")}`;
    const replayed = histories
      ? `, ${plural(histories.replayed, "history", "histories")} replayed`
      : "";
    console.out(`${plural(totals.entries, "entry", "entries")}${replayed}: ${found}\n`);
  }
  if (options.histories !== undefined && !isSound) {
    console.err("No history was replayed: correct the errors first\n");
  }
  if (histories?.cut) {
    console.err(`Only the newest ${options.limit} open runs were replayed: raise --limit\n`);
  }
  return errors > 0 ? 1 : 0;
}

function json(
  problems: readonly Found[],
  totals: { entries: number; errors: number },
  histories: CheckedHistories | undefined,
): string {
  const diagnostics = problems.map((
    { entry, code, severity, message, file, line, column, fix, run },
  ) => ({
    entry_id: entry,
    code,
    severity,
    message,
    file,
    line,
    column,
    hint: fix,
    ...(run && {
      workflow: run.name,
      run_id: run.runId,
      ...(run.expected && {
        expected: { event_id: run.expected.eventId, event: run.expected.event },
      }),
      ...(run.actual && { actual: run.actual }),
    }),
  }));
  const result = {
    diagnostics,
    total_entries: totals.entries,
    error_count: totals.errors,
    warning_count: problems.length - totals.errors,
    ...(histories && { histories: { replayed: histories.replayed, cut: histories.cut } }),
  };
  return JSON.stringify(result, null, 2);
}

/** A problem as SARIF has it. */
function resultOf({ severity, message, code, entry, file, line, column, excerpt, fix }: Found) {
  return {
    severity,
    message: `${message} (${fix})`,
    ...(code !== undefined && { code }),
    ...(entry !== undefined && { entry }),
    ...(file !== undefined && { file }),
    ...(line !== undefined && { line }),
    ...(excerpt ? { start: excerpt.start, length: excerpt.length } : { start: (column ?? 1) - 1 }),
  };
}
