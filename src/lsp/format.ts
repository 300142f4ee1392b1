import { dirname } from "node:path";
import { LSPErrorCodes, type Range, ResponseError, type TextEdit } from "vscode-languageserver";
import { withBytecode } from "../app/bytecode.ts";
import { FormatError, formatTyped } from "../formatting/formatting.ts";
import { findStylua, formatterFor, styluaPackage } from "../formatting/stylua.ts";
import type { SourceText } from "./source-text.ts";
import { isLua, pathOf } from "./workspace.ts";

/**
 * Formats a document of Lua as `wippy fmt` does, or the statements in the lines of a part of it.
 *
 * @returns the lines that change; null for what is no Lua
 * @throws ResponseError where StyLua is not installed, and for a text that it cannot format
 */
export async function formatDocument(
  source: SourceText,
  range?: Range,
): Promise<TextEdit[] | null> {
  if (!isLua(source.uri)) return null;
  const path = pathOf(source.uri);
  const folder = path === undefined ? process.cwd() : dirname(path);
  try {
    const stylua = await findStylua(folder);
    if (!stylua) {
      throw new FormatError(
        `StyLua, which formats, is not installed: run "npm install --save-dev ${styluaPackage}" ` +
          "in the folder of the application",
      );
    }
    const { text } = source;
    const lines = range && linesOf(range);
    const format = formatterFor(stylua, folder);
    const formatted = await withBytecode((compile) => formatTyped(text, format, compile, lines));
    return changedLines(text, formatted);
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    const { position, message } = error;
    const place = position ? `line ${position.line}, column ${position.column}: ` : "";
    throw new ResponseError(LSPErrorCodes.RequestFailed, `${place}${message}`);
  }
}

/** The lines of a range: one that ends at the beginning of a line has nothing of it. */
function linesOf({ start, end }: Range): { first: number; last: number } {
  const last = end.character === 0 && end.line > start.line ? end.line - 1 : end.line;
  return { first: start.line, last };
}

/** One edit of the lines from the first that changes to the last. */
function changedLines(before: string, after: string): TextEdit[] {
  if (before === after) return [];
  const [old, made] = [before, after].map((text) => text.split(/(?<=\n)/));
  const most = Math.min(old!.length, made!.length);
  let first = 0;
  while (first < most && old![first] === made![first]) first++;
  let same = 0;
  while (same < most - first && old!.at(-1 - same) === made!.at(-1 - same)) same++;
  const end = old!.length - same;
  const isWhole = same > 0 || before.endsWith("\n");
  const range = {
    start: { line: first, character: 0 },
    end: isWhole ? { line: end, character: 0 } : { line: end - 1, character: old!.at(-1)!.length },
  };
  return [{ range, newText: made!.slice(first, made!.length - same).join("") }];
}
