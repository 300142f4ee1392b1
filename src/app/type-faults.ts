import { positionAt } from "../language/language.ts";
import type { Entry } from "../registry/entry.ts";
import { suggest } from "../registry/suggestion.ts";
import { type CheckedCode, type CodeTypes, codeTypes } from "./code-types.ts";
import { type Excerpt, excerptAt, excerptOf } from "./excerpt.ts";

/** What is wrong with the types of a text. */
export interface TypeFault {
  severity: "error";
  /** Both count from 1. */
  line: number;
  column: number;
  /** `E0000` for example. */
  code: string;
  message: string;
  fix: string;
  excerpt: Excerpt;
}

/** What is wrong with the types of an entry's code; nothing where its syntax is wrong, which is told elsewhere. */
export function typeFaults(
  entry: Entry,
  entries: ReadonlyMap<string, Entry>,
  types: CodeTypes = codeTypes,
): TypeFault[] {
  let code: CheckedCode | undefined;
  try {
    code = types.check(entry, { entries });
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return [{
      severity: "error",
      line: 1,
      column: 1,
      code: "E9999",
      message: "the types cannot be checked: the code is nested too deeply",
      fix: "take expressions apart, and name the parts",
      excerpt: excerptAt(String(entry.data["source"]), 1, 1),
    }];
  }
  if (!code) return [];
  const { bytes, diagnostics } = code;
  return diagnostics.map(({ start, end, code, message, lost }) => ({
    ...positionAt(bytes, start),
    severity: "error",
    code,
    message: `type error: ${message}`,
    fix: lost
      ? suggest(lost.name, lost.known, "correct the code or the annotation")
      : "correct the code or the annotation",
    excerpt: excerptOf(bytes, start, end),
  }));
}
