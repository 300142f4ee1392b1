import { styleText } from "node:util";
import type { LintDiagnostic, LintSeverity } from "../../app/lint.ts";
import { clean, oneLine, withControls } from "../../observe/clean.ts";

type Style = Parameters<typeof styleText>[0];

const styles: Readonly<Record<LintSeverity, Style>> = {
  error: "red",
  warning: "yellow",
  hint: "cyan",
};

/**
 * Diagnostics for people, one after the other: severity, code and message; the place; the line of code with carets.
 *
 * @example
 * error[E0000]: cannot assign "x" to integer
 *   --> src/main.lua:1:24
 *    |
 *  1 | local count: integer = "x"
 *    |                        ^^^
 */
export function showDiagnostics(
  diagnostics: readonly LintDiagnostic[],
  colour: boolean,
): (string | Uint8Array)[] {
  const paint = (style: Style, text: string) =>
    colour ? styleText(style, text, { validateStream: false }) : text;
  return diagnostics.map((diagnostic) => {
    const { entry, code, severity, message, line, column, file, fileLine, excerpt, help } =
      diagnostic;
    const place = `${file ?? entry}:${fileLine ?? line}:${column}`;
    const number = String(fileLine ?? line);
    const bar = " ".repeat(number.length);
    const before = excerpt.text.slice(0, excerpt.start).replace(/[^\t]/g, " ");
    const text = `${paint(styles[severity], `${severity}[${code}]`)}: ${oneLine(message)}\n` +
      ` ${bar}--> ${oneLine(place)}\n` +
      ` ${bar} |\n` +
      ` ${number} | ${clean(excerpt.text)}\n` +
      ` ${bar} | ${before}${paint(styles[severity], "^".repeat(excerpt.length))}\n` +
      (help === undefined ? "" : ` ${bar} = help: ${oneLine(help)}\n`) + "\n";
    return colour ? withControls(text) : text;
  });
}
