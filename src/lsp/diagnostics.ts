import {
  type Diagnostic,
  DiagnosticSeverity,
  DiagnosticTag,
  type Range,
} from "vscode-languageserver";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { isCode } from "../app/code-graph.ts";
import { type LintDiagnostic, lintEntry } from "../app/lint.ts";
import { type NameFault, nameFaults } from "../app/name-check.ts";
import type { Problem } from "../app/problem.ts";
import type { CheckSyntax } from "../app/validation.ts";
import type { Entry } from "../registry/entry.ts";
import { scriptEntry } from "./script-entry.ts";
import { SourceText } from "./source-text.ts";
import { isDefinition, type Loaded, pathOf } from "./workspace.ts";

/** What a diagnostic carries for code actions. */
export interface DiagnosticData {
  /** How to mend it: `did you mean "x"?` for example. */
  hint?: string;
}

const severities = {
  error: DiagnosticSeverity.Error,
  warning: DiagnosticSeverity.Warning,
  hint: DiagnosticSeverity.Hint,
} as const;

/** Codes of what is there and not needed. */
const unnecessary: ReadonlySet<string> = new Set(["W0004", "W0006"]);

interface Settings {
  checkSyntax: CheckSyntax;
  /** Whether rules of style are applied. */
  rules: boolean;
}

const remembered = new WeakMap<SourceText, { context: string; diagnostics: Diagnostic[] }>();

const tooLong: Diagnostic = {
  range: { start: { line: 0, character: 0 }, end: { line: 0, character: 1 } },
  severity: DiagnosticSeverity.Information,
  source: "wippy",
  message: "the file is too long to be checked while it is edited: use wippy check",
};

/** What is wrong with a file of code. Found once for a text, while what it may use stays the same. */
export function codeDiagnostics(
  source: SourceText,
  loaded: Loaded | undefined,
  settings: Settings,
): Diagnostic[] {
  if (source.isTooLong) return [tooLong];
  const context = `${settings.rules}\n${loaded?.contextOf(pathOf(source.uri) ?? "")}`;
  const known = remembered.get(source);
  if (known?.context === context) return known.diagnostics;
  const diagnostics = findFaults(source, loaded, settings);
  remembered.set(source, { context, diagnostics });
  return diagnostics;
}

function findFaults(
  source: SourceText,
  loaded: Loaded | undefined,
  { checkSyntax, rules }: Settings,
): Diagnostic[] {
  const path = pathOf(source.uri);
  const own = path === undefined ? [] : loaded?.entriesOf(path) ?? [];
  const isTest = source.uri.endsWith("_test.lua");
  const entries = own.length > 0 ? own.filter(isCode) : [scriptEntry(source.text, isTest)];
  const found = new Map<string, Diagnostic>();
  const checked = new Set<string>();
  for (const entry of entries) {
    // Entries that share a file mostly list the same.
    const key = JSON.stringify([entry.data["modules"], entry.data["imports"]]);
    if (checked.has(key)) continue;
    checked.add(key);
    const current = { ...entry, data: { ...entry.data, source: source.text } };
    for (const each of entryFaults(current, loaded, checkSyntax, rules)) {
      // A script finds files that it requires by itself.
      if (own.length === 0 && each.code === "E0090") continue;
      const line = each.line - 1;
      const { start, length } = each.excerpt;
      const range = { start: { line, character: start }, end: { line, character: start + length } };
      const diagnostic = diagnosticOf(each, range);
      found.set(`${line}:${start}:${each.code}:${each.message}`, diagnostic);
    }
  }
  return [...found.values(), ...syntaxFaults(source, [...found.values()])];
}

/** Faults of syntax that the parser found behind the first, which the compiler tells. */
function syntaxFaults(source: SourceText, found: readonly Diagnostic[]): Diagnostic[] {
  const first = found.find(({ code }) => code === "P0001");
  if (!first) return [];
  return source.tree.faults.map((fault) => ({
    range: source.range(fault),
    severity: DiagnosticSeverity.Error,
    code: "P0001",
    source: "wippy",
    message: fault.message,
  })).filter(({ range }) => range.start.line > first.range.start.line);
}

type Fault = LintDiagnostic | NameFault;

function entryFaults(
  entry: Entry,
  loaded: Loaded | undefined,
  checkSyntax: CheckSyntax,
  rules: boolean,
): Fault[] {
  const view = {
    entries: loaded?.entries ?? new Map<string, Entry>(),
    sourceOf: (each: Entry) => each === entry ? String(entry.data["source"]) : loaded?.codeOf(each),
  };
  const faults: Fault[] = lintEntry(entry, checkSyntax, rules, view, loaded?.types);
  if (faults.some(({ code }) => code === "P0001" || code === "E9999")) return faults;
  const names = nameFaults(String(entry.data["source"]), entry, loaded?.entries ?? new Map());
  // Without an application, nobody knows which entries there are.
  return [...faults, ...loaded ? names : names.filter(({ code }) => code !== "E0091")];
}

function diagnosticOf(fault: Fault, range: Range): Diagnostic {
  const { code, message, severity } = fault;
  const hint = "fix" in fault ? fault.fix : fault.help;
  const data: DiagnosticData = hint === undefined ? {} : { hint };
  return {
    range,
    severity: severities[severity],
    code,
    source: "wippy",
    message: hint === undefined ? message : `${message}\n${hint}`,
    data,
    ...(unnecessary.has(code) && { tags: [DiagnosticTag.Unnecessary] }),
  };
}

/** What is wrong with the definitions of an application, by file; files without faults are absent. */
export function definitionDiagnostics(
  loaded: Loaded,
  settings: Settings,
): Map<string, Diagnostic[]> {
  const found = new Map<string, Diagnostic[]>();
  const add = (uri: string, diagnostic: Diagnostic) => {
    const others = found.get(uri);
    if (others) others.push(diagnostic);
    else found.set(uri, [diagnostic]);
  };
  for (const problem of loaded.problems) {
    const path = resolve(loaded.directory, problem.file ?? "wippy.lock");
    add(pathToFileURL(path).href, problemDiagnostic(problem, path, loaded));
  }
  for (const entry of loaded.application.entries) {
    if (!isCode(entry) || loaded.sourceFile(entry) || !entry.origin?.source) continue;
    inlineDiagnostics(entry, loaded, settings, add);
  }
  return found;
}

/** Faults of code that stands in a definition file. */
function inlineDiagnostics(
  entry: Entry,
  loaded: Loaded,
  { checkSyntax, rules }: Settings,
  add: (uri: string, diagnostic: Diagnostic) => void,
): void {
  const { file, line: first } = entry.origin!.source!;
  const source = loaded.workspace.source(resolve(loaded.directory, file));
  if (source === undefined || typeof entry.data["source"] !== "string") return;
  for (const fault of entryFaults(entry, loaded, checkSyntax, rules)) {
    const line = first + fault.line - 2;
    const { text, start, length } = fault.excerpt;
    const { after } = source.around({ line, character: 0 });
    const indentation = Math.max(0, after.indexOf(text));
    const character = indentation + start;
    const range = { start: { line, character }, end: { line, character: character + length } };
    add(source.uri, diagnosticOf(fault, range));
  }
}

function problemDiagnostic(problem: Problem, path: string, loaded: Loaded): Diagnostic {
  const { severity, message, fix: hint, line = 1, column = 1 } = problem;
  const start = { line: line - 1, character: column - 1 };
  const data: DiagnosticData = { hint };
  return {
    range: rangeOfProblem(problem, start, path, loaded),
    severity: severities[severity],
    ...(problem.code !== undefined && { code: problem.code }),
    source: "wippy",
    message: `${problem.entry === undefined ? "" : `${problem.entry}: `}${message}\n${hint}`,
    data,
  };
}

/** A problem is at a key or an element; what is meant is the value, unless the key itself is wrong. */
function rangeOfProblem(
  { message }: Problem,
  start: Range["start"],
  path: string,
  loaded: Loaded,
): Range {
  const otherwise = { start, end: { line: start.line, character: start.character + 1 } };
  const definition = isDefinition(path) ? loaded.definition(path) : undefined;
  const scalar = definition?.scalars.find(({ range }) =>
    range.start.line === start.line && range.start.character >= start.character &&
    range.start.character <= start.character + 1
  );
  if (definition === undefined || scalar === undefined) return otherwise;
  if (!scalar.isKey || message.startsWith("unknown field")) return scalar.range;
  const value = definition.scalars.find(({ isKey, range }) =>
    !isKey && range.start.line === scalar.range.end.line &&
    range.start.character > scalar.range.end.character
  );
  return value?.range ?? scalar.range;
}
