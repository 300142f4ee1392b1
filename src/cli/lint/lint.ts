import {
  isShown,
  lintable,
  type LintDiagnostic,
  lintEntries,
  type LintSeverity,
} from "../../app/lint.ts";
import type { Application } from "../../app/app.ts";
import type { FixOptions, LintFix } from "../../app/lint-fix.ts";
import { withSyntaxCheck } from "../../app/syntax-check.ts";
import { oneLine } from "../../observe/clean.ts";
import { type Entry, parseId } from "../../registry/entry.ts";
import { load, type SourceOptions } from "../run/load.ts";
import { CommandError, type Console } from "../terminal/terminal.ts";
import { table } from "../terminal/table.ts";
import { showDiagnostics } from "./diagnostics.ts";
import { sarif, type SarifResult } from "./sarif.ts";

/** Flags of `wippy lint`. */
export interface LintOptions extends SourceOptions {
  level: string;
  ns?: string[];
  code?: string[];
  rules?: boolean;
  fix?: boolean;
  summary?: boolean;
  limit: number;
  json?: boolean;
  sarif?: boolean;
  color: boolean;
}

/** What was checked, and what was found. */
interface Totals {
  entries: number;
  errors: number;
  warnings: number;
  hints: number;
}

/** Whether a namespace is selected: `a.b` itself; `a.*` and `a.**` select `a` and all below. */
function wanted(namespace: string, patterns: readonly string[] | undefined): boolean {
  return patterns === undefined || patterns.some((pattern) => {
    const [, above] = /^(.*)\.\*\*?$/.exec(pattern) ?? [];
    if (above === undefined) return namespace === pattern;
    return namespace === above || namespace.startsWith(`${above}.`);
  });
}

/** An unknown severity counts as `error`. */
function levelOf(text: string): LintSeverity {
  if (text === "warn" || text === "warning") return "warning";
  return text === "hint" ? "hint" : "error";
}

function summed(entries: number, diagnostics: readonly LintDiagnostic[]): Totals {
  const of = (wanted: LintSeverity) =>
    diagnostics.filter(({ severity }) => severity === wanted).length;
  return { entries, errors: of("error"), warnings: of("warning"), hints: of("hint") };
}

/** `2 errors, 1 hint`; parts that are zero are left out. */
function counts({ errors, warnings, hints }: Totals): string {
  const part = (number: number, noun: string) => `${number} ${noun}${number === 1 ? "" : "s"}`;
  return [part(errors, "error"), part(warnings, "warning"), part(hints, "hint")]
    .filter((text) => !text.startsWith("0 ")).join(", ");
}

/** `wippy lint`. @returns the exit status: 1 when something is an error */
export async function lint(console: Console, options: LintOptions): Promise<number> {
  const codes = options.code?.map((code) => code.toUpperCase());
  const level = levelOf(options.level);
  const isWanted: FixOptions["wanted"] = ({ code, severity }) =>
    isShown(severity, level) && (codes === undefined || codes.includes(code));
  const fixes = options.fix ? await fixed(console, options, isWanted) : undefined;
  const { diagnostics, totals } = await withSyntaxCheck(async (checkSyntax) => {
    const { application, entries } = await selected(console, options);
    const rules = options.rules === true || options.fix === true;
    const found = lintEntries(application, entries, checkSyntax, rules).filter(isWanted);
    return { diagnostics: found, totals: summed(entries.length, found) };
  });
  const shown = options.limit > 0 ? diagnostics.slice(0, options.limit) : diagnostics;
  if (options.json) console.out(`${json(shown, totals, fixes)}\n`);
  else if (options.sarif) console.out(`${sarif(shown.map(resultOf))}\n`);
  else {
    for (const fix of fixes ?? []) console.out(showFix(fix));
    const colour = options.color && console.colour;
    for (const part of showDiagnostics(shown, colour)) console.out(part);
    if (options.summary) console.out(summary(diagnostics));
    const checked = `Checked ${totals.entries} ${totals.entries === 1 ? "entry" : "entries"}`;
    console.out(
      diagnostics.length === 0
        ? `No issues found\n${checked}\n`
        : `${checked}: ${counts(totals)}\n`,
    );
  }
  if (totals.errors === 0) return 0;
  if (!options.json && !options.sarif) {
    const { errors, warnings } = totals;
    console.err(`Error: lint failed: ${errors} errors, ${warnings} warnings\n`);
  }
  return 1;
}

/** The application, and its entries that are to be checked. @throws CommandError without a lock file */
async function selected(
  console: Console,
  options: LintOptions,
): Promise<{ application: Application; entries: Entry[] }> {
  const application = await load(console, options);
  if (!application.locked) {
    throw new CommandError(
      `no ${application.lockFile} in ${application.directory}`,
      'run "wippy init" there, or name the directory with -C',
    );
  }
  const entries = lintable(application.entries)
    .filter(({ id }) => wanted(parseId(id).namespace, options.ns));
  return { application, entries };
}

/** Fixes what is wanted. @throws CommandError when a file cannot be written */
async function fixed(
  console: Console,
  options: LintOptions,
  isWanted: FixOptions["wanted"],
): Promise<LintFix[]> {
  const { application, entries } = await selected(console, options);
  const { fixEntries } = await import("../../app/lint-fix.ts");
  const { withBytecode } = await import("../../app/bytecode.ts");
  try {
    return await withBytecode((compile) =>
      fixEntries(application, entries, { wanted: isWanted, compile })
    );
  } catch (error) {
    if (!(error instanceof Error && "syscall" in error)) throw error;
    throw new CommandError(`cannot fix: ${error.message}`, "make the file and its folder writable");
  }
}

function showFix({ file, line, column, message, codes }: LintFix): string {
  return `fixed ${oneLine(`${file}:${line}:${column}: ${message}`)} (${codes.join(", ")})\n`;
}

function json(
  diagnostics: readonly LintDiagnostic[],
  totals: Totals,
  fixes: readonly LintFix[] | undefined,
): string {
  return JSON.stringify({
    ...(fixes && { fixes }),
    diagnostics: diagnostics.map(({ entry, code, severity, message, line, column }) => ({
      entry_id: entry,
      code,
      severity,
      message,
      line,
      column,
    })),
    total_entries: totals.entries,
    error_count: totals.errors,
    warning_count: totals.warnings,
    hint_count: totals.hints,
  });
}

/** A diagnostic as SARIF has it. */
function resultOf(
  { severity, message, code, entry, file, line, fileLine, excerpt }: LintDiagnostic,
): SarifResult {
  const { start, length } = excerpt;
  return {
    severity,
    message,
    code,
    entry,
    line: fileLine ?? line,
    start,
    length,
    ...(file !== undefined && { file }),
  };
}

/** Counts by namespace and by code, the most frequent first. */
function summary(diagnostics: readonly LintDiagnostic[]): string {
  const by = (title: string, key: (diagnostic: LintDiagnostic) => string) => {
    const groups = [...Map.groupBy(diagnostics, key)];
    const rows = groups.map(([name, list]) => [name, list.length] as const)
      .sort((one, other) => other[1] - one[1] || (one[0] < other[0] ? -1 : 1));
    return table([title, "COUNT"], rows.map(([name, count]) => [name, String(count)]));
  };
  if (diagnostics.length === 0) return "";
  const namespaces = by("NAMESPACE", ({ entry }) => parseId(entry).namespace);
  return `${namespaces}\n${by("CODE", ({ code }) => code)}\n`;
}
