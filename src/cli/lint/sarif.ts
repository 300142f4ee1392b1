import type { LintDiagnostic, LintSeverity } from "../../app/lint.ts";
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

/** Diagnostics as SARIF 2.1.0 (OASIS), which code hosts and editors show beside the code. */
export function sarif(diagnostics: readonly LintDiagnostic[]): string {
  const rules = [...new Set(diagnostics.map(({ code }) => code))].sort().map((id) => ({
    id,
    ...(names[id] !== undefined && { name: names[id] }),
  }));
  const results = diagnostics.map((
    { entry, code, severity, message, line, file, fileLine, excerpt },
  ) => ({
    ruleId: code,
    level: levels[severity],
    message: { text: message },
    locations: [{
      ...(file !== undefined && {
        physicalLocation: {
          artifactLocation: { uri: encodeURI(file) },
          region: {
            startLine: fileLine ?? line,
            startColumn: excerpt.start + 1,
            endColumn: excerpt.start + 1 + excerpt.length,
          },
        },
      }),
      logicalLocations: [{ fullyQualifiedName: entry, kind: "module" }],
    }],
  }));
  const driver = { name: "wippy", version, rules };
  return JSON.stringify({
    $schema: "https://json.schemastore.org/sarif-2.1.0.json",
    version: "2.1.0",
    runs: [{ tool: { driver }, columnKind: "utf16CodeUnits", results }],
  });
}
