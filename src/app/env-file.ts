import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

/**
 * The variables of a `KEY=VALUE` text. Both sides are trimmed; `#` begins a comment anywhere in a
 * line; there is no quoting.
 */
export function parseEnvText(text: string): Map<string, string> {
  const variables = new Map<string, string>();
  for (const line of text.split("\n")) {
    const assignment = assignmentOf(line);
    if (assignment !== undefined) variables.set(assignment.key, assignment.value);
  }
  return variables;
}

function assignmentOf(line: string): { key: string; value: string; comment: string } | undefined {
  const hash = line.indexOf("#");
  const code = hash < 0 ? line : line.slice(0, hash);
  const equals = code.indexOf("=");
  if (equals < 0) return undefined;
  const key = code.slice(0, equals).trim();
  if (key === "") return undefined;
  return { key, value: code.slice(equals + 1).trim(), comment: hash < 0 ? "" : line.slice(hash) };
}

/** Sets one variable in a `KEY=VALUE` text; other lines and a comment behind the value are kept. */
export function setInEnvText(text: string, key: string, value: string): string {
  const lines = text === "" ? [] : text.replace(/\n$/, "").split("\n");
  // The last of several assignments is the one that is read.
  const index = lines.findLastIndex((line) => assignmentOf(line)?.key === key);
  const found = assignmentOf(lines[index] ?? "");
  if (!found) lines.push(`${key}=${value}`);
  else {
    const { comment } = found;
    lines[index] = comment === "" ? `${key}=${value}` : `${key}=${value} ${comment}`;
  }
  return `${lines.join("\n")}\n`;
}

/** The text of the file; a missing one is empty. Throws what the file system throws. */
export function readEnvFile(path: string): string {
  return existsSync(path) ? readFileSync(path, "utf8") : "";
}

/** Writes the text beside the file and renames it, so that no reader sees half of it. */
export function writeEnvFile(
  path: string,
  text: string,
  mode: number,
  directoryMode: number,
): void {
  mkdirSync(dirname(path), { recursive: true, mode: directoryMode });
  const temporary = `${path}.${process.pid}.tmp`;
  writeFileSync(temporary, text, { mode });
  renameSync(temporary, path);
}
