/**
 * Fixes of the linter, written to files.
 * @module
 */
import { readFileSync } from "node:fs";
import { relative, resolve, sep } from "node:path";
import { lower, parse, positionAt } from "../language/language.ts";
import { lint, type LintFinding } from "../language/lint.ts";
import { renameUnread, unreadName } from "../language/unread.ts";
import type { Entry } from "../registry/entry.ts";
import type { Application } from "./app.ts";
import type { CompileBytes } from "./bytecode.ts";
import { readLock } from "./lock.ts";
import { replaceFile } from "./replace-file.ts";
import { prepareSource } from "./source.ts";

/** A fix that was made. */
export interface LintFix {
  /** Relative to the application's directory. */
  file: string;
  /** Before the fix; both count from 1, columns in bytes. */
  line: number;
  column: number;
  /** Codes of what it fixes. */
  codes: string[];
  message: string;
}

/** How files are fixed. */
export interface FixOptions {
  /** Whether a finding of an entry is to be fixed. */
  wanted(finding: Pick<LintFinding, "code" | "severity">): boolean;
  /** Only code that compiles to the same is written. */
  compile: CompileBytes;
}

/**
 * Fixes what the rules find in files below the application's source folder, as far as the code compiles to the same
 * bytecode as before. A file is replaced as a whole, or stays as it is.
 *
 * @returns what was fixed, in the order of the files and the text
 * @throws the failure of reading or writing a file
 */
export function fixEntries(
  application: Application,
  entries: readonly Entry[],
  options: FixOptions,
): LintFix[] {
  const source = readLock(application.directory, application.lockFile).lock?.source;
  if (source === undefined) return [];
  const paths = new Map<string, Entry>();
  for (const entry of entries) {
    const file = entry.origin?.source?.file;
    if (file === undefined) continue;
    const path = resolve(application.directory, file);
    if (path.startsWith(`${source}${sep}`)) paths.set(path, entry);
  }
  return [...paths].sort(([one], [other]) => one < other ? -1 : 1).flatMap(([path, entry]) => {
    const shown = relative(application.directory, path).split(sep).join("/");
    return fixFile(path, entry, options).map((fix) => ({ file: shown, ...fix }));
  });
}

/** What a file may have in front of its code: a mark of its encoding, and the line of a script. */
const beforeCode = /^(?:\xef\xbb\xbf)?(?:#[^\n]*)?$/;

function fixFile(path: string, entry: Entry, { wanted, compile }: FixOptions) {
  const whole = readFileSync(path).toString("latin1");
  const { code } = prepareSource(entry.id, String(entry.data["source"]));
  const text = Buffer.from(code).toString("latin1");
  const before = whole.slice(0, whole.length - text.length);
  // Code in a definition file is not fixed.
  if (!whole.endsWith(text) || !beforeCode.test(before)) return [];
  const { fixed, fixes } = fixText(text, wanted, compile);
  if (fixes.length > 0) replaceFile(path, Buffer.from(before + fixed, "latin1"));
  return fixes;
}

/**
 * Fixes a text.
 *
 * @param text each character a byte
 * @returns the text itself and no fixes where nothing can be fixed
 */
export function fixText(
  text: string,
  wanted: FixOptions["wanted"],
  compile: CompileBytes,
): { fixed: string; fixes: Omit<LintFix, "file">[] } {
  const nothing = { fixed: text, fixes: [] };
  const tree = parse(text);
  if (tree.faults.length > 0) return nothing;
  const found = lint(tree, new Set()).filter(({ unread, ...finding }) => unread && wanted(finding));
  const fixes = [...Map.groupBy(found, ({ unread }) => unread!)].flatMap(([unread, findings]) => {
    const edits = renameUnread(tree, unread);
    if (!edits) return [];
    return [{
      edits,
      ...positionAt(text, unread.start),
      codes: findings.map(({ code }) => code),
      message: `${unread.name} is now ${unreadName(unread)}`,
    }];
  });
  if (fixes.length === 0) return nothing;
  const edits = fixes.flatMap((fix) => fix.edits).sort((one, other) => one.start - other.start);
  const parts: string[] = [];
  let at = 0;
  for (const { start, end, text: inserted } of edits) {
    parts.push(text.slice(at, start), inserted);
    at = end;
  }
  const fixed = parts.join("") + text.slice(at);
  if (!compilesAlike(text, fixed, compile)) return nothing;
  return { fixed, fixes: fixes.map(({ edits: _, ...fix }) => fix) };
}

/** Whether two texts of typed Lua are the same program. */
function compilesAlike(before: string, after: string, compile: CompileBytes): boolean {
  const [one, other] = [before, after].map((text) => {
    const lowered = lower(text);
    if (lowered === undefined) return compile(text);
    return "fault" in lowered ? undefined : compile(lowered.code);
  });
  return one !== undefined && other !== undefined && Buffer.compare(one, other) === 0;
}
