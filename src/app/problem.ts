import type { Excerpt } from "./excerpt.ts";

/** One thing that is wrong with an application, with its place and how to fix it. */
export interface Problem {
  /** Errors keep the application from starting; warnings do not. */
  severity: "error" | "warning";
  /** Identifier of the entry concerned. */
  entry?: string;
  /** Relative to the application's directory. */
  file?: string;
  /** Both count from 1. */
  line?: number;
  column?: number;
  message: string;
  /** Of a rule, `E0000` for example. */
  code?: string;
  /** The line of code, where the place in it is known. */
  excerpt?: Excerpt;
  /** What to do about it, in one sentence. */
  fix: string;
}

/**
 * Lines for people: place, entry and message; the line of code, where the place in it is known; how to fix it.
 *
 * @example
 * src/_index.yaml:12:5  app:orders  unknown kind "functon.lua"
 *     hint: did you mean "function.lua"?
 */
export function formatProblem(problem: Problem): string {
  const position = [problem.file, problem.line, problem.column].filter((part) =>
    part !== undefined
  );
  const place = problem.file === undefined ? undefined : position.join(":");
  const message = problem.severity === "warning" ? `warning: ${problem.message}` : problem.message;
  const first = [place, problem.entry, message].filter((part) => part !== undefined).join("  ");
  return `${first}\n${shown(problem.excerpt)}    hint: ${problem.fix}`;
}

/** The line, and carets below what is meant. */
function shown(excerpt: Excerpt | undefined): string {
  if (excerpt === undefined) return "";
  const { text, start, length } = excerpt;
  // A tab is as wide below as it is above.
  const before = text.slice(0, start).replace(/[^\t]/g, " ");
  return `    | ${text}\n    | ${before}${"^".repeat(length)}\n`;
}

/** Orders problems by file and place; those without a file come first. */
export function sortProblems(problems: readonly Problem[]): Problem[] {
  const byText = (left = "", right = "") => left < right ? -1 : left > right ? 1 : 0;
  return [...problems].sort((left, right) =>
    byText(left.file, right.file) ||
    (left.line ?? 0) - (right.line ?? 0) ||
    (left.column ?? 0) - (right.column ?? 0) ||
    byText(left.message, right.message)
  );
}
