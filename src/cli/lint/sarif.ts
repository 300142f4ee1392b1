import type { LintSeverity } from "../../app/lint.ts";
import { lintRules } from "../../language/lint.ts";
import { version } from "../terminal/version.ts";

const levels: Readonly<Record<LintSeverity, string>> = {
  error: "error",
  warning: "warning",
  hint: "note",
};

const names: Readonly<Record<string, string>> = Object.fromEntries(
  Object.entries(lintRules).map(([code, { name }]) => [code, name]),
);

/** Something that was found, as far as its place is known. */
export interface SarifResult {
  severity: LintSeverity;
  message: string;
  code?: string;
  /** Identifier of the entry. */
  entry?: string;
  /** Relative to the application's directory. */
  file?: string;
  /** Counts from 1. */
  line?: number;
  /** What is meant, in characters from the line's beginning. */
  start?: number;
  length?: number;
}

/** Results as SARIF 2.1.0 (OASIS), which code hosts and editors show beside the code. */
export function sarif(found: readonly SarifResult[]): string {
  const codes = new Set(found.flatMap(({ code }) => code === undefined ? [] : [code]));
  const rules = [...codes].sort().map((id) => ({
    id,
    ...(names[id] !== undefined && { name: names[id] }),
  }));
  const results = found.map(({ code, severity, message, ...where }) => ({
    ...(code !== undefined && { ruleId: code }),
    level: levels[severity],
    message: { text: message },
    locations: [locationOf(where)].filter((location) => Object.keys(location).length > 0),
  }));
  const driver = { name: "wippy", version, rules };
  return JSON.stringify({
    $schema: "https://json.schemastore.org/sarif-2.1.0.json",
    version: "2.1.0",
    runs: [{ tool: { driver }, columnKind: "utf16CodeUnits", results }],
  });
}

function locationOf(
  { entry, file, line, start, length }: Pick<
    SarifResult,
    "entry" | "file" | "line" | "start" | "length"
  >,
) {
  const region = line !== undefined && {
    region: {
      startLine: line,
      ...(start !== undefined && { startColumn: start + 1 }),
      ...(start !== undefined && length !== undefined && { endColumn: start + 1 + length }),
    },
  };
  return {
    ...(file !== undefined && {
      physicalLocation: { artifactLocation: { uri: encodeURI(file) }, ...region },
    }),
    ...(entry !== undefined && {
      logicalLocations: [{ fullyQualifiedName: entry, kind: "module" }],
    }),
  };
}
