import type { LintFinding } from "../language/lint.ts";
import type { Entry } from "../registry/entry.ts";
import type { Application } from "./app.ts";
import { importsOf, isCode, modulesOf } from "./code-graph.ts";
import { nearest } from "../registry/suggestion.ts";
import { unlistedModules } from "./name-check.ts";
import { sandboxGlobals } from "./sandbox-globals.ts";
import { prepareSource } from "./source.ts";
import { type CheckedCode, type CodeTypes, codeTypes, type CodeView } from "./code-types.ts";
import type { CheckSyntax } from "./validation.ts";
import { type Excerpt, excerptAt, excerptOf } from "./excerpt.ts";

export type LintSeverity = "error" | "warning" | "hint";

/** A diagnostic of the linter, in the code of an entry. */
export interface LintDiagnostic {
  entry: string;
  /** `P0001` syntax, `E…` types and names, `W…` rules. */
  code: string;
  severity: LintSeverity;
  message: string;
  /** In the code of the entry; both count from 1, columns in bytes. */
  line: number;
  column: number;
  /** Where that is, relative to the application's directory. */
  file?: string;
  fileLine?: number;
  excerpt: Excerpt;
  help?: string;
}

const rank: Readonly<Record<LintSeverity, number>> = { error: 0, warning: 1, hint: 2 };

/** Whether a diagnostic of one severity is shown where another is the lowest. */
export function isShown(severity: LintSeverity, lowest: LintSeverity): boolean {
  return rank[severity] <= rank[lowest];
}

/** Lua entries whose code the linter checks. */
export function lintable(entries: readonly Entry[]): Entry[] {
  return entries.filter((entry) => isCode(entry) && typeof entry.data["source"] === "string");
}

/**
 * Checks the code of entries: syntax, types as in strict mode, names passed to `require`, and, if requested, the rules
 * of style. Sorted by entry, severity (the worst first) and position.
 */
export function lintEntries(
  application: Application,
  entries: readonly Entry[],
  checkSyntax: CheckSyntax,
  rules: boolean,
): LintDiagnostic[] {
  const byText = (one: string, other: string) => one < other ? -1 : one > other ? 1 : 0;
  const view = { entries: new Map(application.entries.map((entry) => [entry.id, entry])) };
  return entries.flatMap((entry) => lintEntry(entry, checkSyntax, rules, view)).map((found) => {
    const { entry, line, message } = found;
    const place = application.locate({ severity: "error", entry, line, message, fix: "" });
    return {
      ...found,
      ...(place.file !== undefined && { file: place.file }),
      ...(place.line !== undefined && { fileLine: place.line }),
    };
  }).sort((one, other) =>
    byText(one.entry, other.entry) || rank[one.severity] - rank[other.severity] ||
    one.line - other.line || one.column - other.column || byText(one.code, other.code) ||
    byText(one.message, other.message)
  );
}

/** The diagnostics of the code of one entry, in no order; without places in files. */
export function lintEntry(
  entry: Entry,
  checkSyntax: CheckSyntax,
  rules: boolean,
  view: CodeView,
  types: CodeTypes = codeTypes,
): LintDiagnostic[] {
  const { code } = prepareSource(entry.id, String(entry.data["source"]));
  const wrong = checkSyntax(code, entry.id);
  if (wrong !== undefined) {
    const { line, column = 1, message } = wrong;
    const excerpt = excerptAt(code, line, column);
    return [{ entry: entry.id, code: "P0001", severity: "error", message, line, column, excerpt }];
  }
  try {
    return lintSound(entry, types.check(entry, view), rules);
  } catch (error) {
    // Code nested too deeply for the stack.
    const { message } = error as Error;
    const excerpt = excerptAt(code, 1, 1);
    const severity = "error" as const;
    const text = `the checker failed: ${message}`;
    return [{
      entry: entry.id,
      code: "E9999",
      severity,
      message: text,
      line: 1,
      column: 1,
      excerpt,
    }];
  }
}

function lintSound(
  entry: Entry,
  code: CheckedCode | undefined,
  rules: boolean,
): LintDiagnostic[] {
  if (!code) return [];
  // Loaded when something is checked.
  const { positionAt } = require(
    "../language/language.ts",
  ) as typeof import("../language/language.ts");
  const { lint } = require("../language/lint.ts") as typeof import("../language/lint.ts");
  const { bytes, tree } = code;
  type Found = Omit<LintFinding, "severity"> & { severity: LintSeverity; help?: string };
  const types = code.diagnostics.map(({ lost, ...found }): Found => {
    const meant = lost && nearest(lost.name, lost.known);
    const help = meant === undefined ? {} : { help: `did you mean "${meant}"?` };
    return { ...found, severity: "error", ...help };
  });
  const requires = unlistedModules(tree, entry).map(({ fix, ...found }): Found => ({
    ...found,
    code: "E0090",
    severity: "error",
    help: fix,
  }));
  const listed = [...modulesOf(entry), ...importsOf(entry).map(([alias]) => alias)];
  const style: Found[] = rules ? lint(tree, new Set([...sandboxGlobals, ...listed])) : [];
  return [...types, ...requires, ...style].map(({ start, end, ...found }) => ({
    entry: entry.id,
    code: found.code,
    severity: found.severity,
    message: found.message,
    ...positionAt(bytes, start),
    excerpt: excerptOf(bytes, start, end),
    ...(found.help !== undefined && { help: found.help }),
  }));
}
