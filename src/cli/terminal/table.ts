/**
 * How commands show lists and values.
 * @module
 */
import Table from "cli-table3";
import { oneLine } from "../../observe/clean.ts";

const bare = {
  "top": "",
  "top-mid": "",
  "top-left": "",
  "top-right": "",
  "bottom": "",
  "bottom-mid": "",
  "bottom-left": "",
  "bottom-right": "",
  "left": "",
  "left-mid": "",
  "mid": "",
  "mid-mid": "",
  "right": "",
  "right-mid": "",
  "middle": "  ",
};

/** Columns side by side, with their titles. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const made = new Table({
    head: [...head],
    chars: bare,
    style: { "padding-left": 0, "padding-right": 0, head: [], border: [] },
  });
  made.push(...rows.map((row) => row.map(oneLine)));
  return `${made.toString().split("\n").map((line) => line.trimEnd()).join("\n")}\n`;
}

/** Names with their values, one a line. */
export function fields(pairs: readonly (readonly [string, string | undefined])[]): string {
  const shown = pairs.filter((pair): pair is [string, string] => pair[1] !== undefined);
  const width = Math.max(...shown.map(([name]) => name.length));
  return shown.map(([name, value]) => `${name.padEnd(width)}  ${oneLine(value)}\n`).join("");
}

/** A value on one line, cut to a width. */
export function brief(value: unknown, width = 60): string {
  const text = typeof value === "string" ? value : JSON.stringify(value) ?? "nil";
  const line = oneLine(text);
  return line.length > width ? `${line.slice(0, width - 1)}…` : line;
}

/** A failure on one line: its kind and message. */
export function failureText(failure: unknown, width = 60): string {
  const { kind, message } = failure as { kind?: unknown; message?: unknown };
  if (typeof message !== "string") return brief(failure, width);
  return brief(typeof kind === "string" && kind !== "" ? `${kind}: ${message}` : message, width);
}
