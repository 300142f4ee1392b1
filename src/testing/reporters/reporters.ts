import type { FileCoverage } from "../coverage/coverage.ts";
import type { TestFailure, TestOutcome } from "../testing.ts";

/** The outcome of a test under all its seeds. */
export interface TestReport {
  /** Path of the file, relative to the application's directory. */
  file: string;
  /** Groups, outermost first, and the name of the test. */
  path: string[];
  status: "passed" | "failed" | "pending";
  /** Real milliseconds. */
  duration: number;
  /** The seed that it failed under, else the last. */
  seed: number;
  /** Absent for pending tests. */
  outcome?: TestOutcome;
}

/** Totals of a run. */
export interface Totals {
  passed: number;
  failed: number;
  pending: number;
  /** Real milliseconds. */
  duration: number;
  /** Where lines were counted. */
  coverage?: FileCoverage[];
}

/** Reports the progress and results of a run. */
export interface Reporter {
  test(report: TestReport): void;
  end(totals: Totals): void;
}

/** Takes the text of a report. Bytes may contain our color codes; other control characters were removed. */
export type Write = (text: string | Uint8Array) => void;

/** The failure of a test that failed. */
export function failureOf(report: TestReport): TestFailure | undefined {
  return report.status === "failed" ? report.outcome?.failure : undefined;
}

/** Groups and name on one line. */
export function title({ path }: TestReport): string {
  return path.join(" > ");
}
