import type { RE2JS } from "re2js";
import { compilePattern } from "../../registry/pattern.ts";
import { WippyError } from "../../vm/error.ts";

/** Compiled patterns that are kept, the least recently used one goes first. */
const kept = 100;
const cache = new Map<string, RE2JS>();

/** A match as byte offsets: start and end of the whole, then of each group; -1 where a group took no part. */
export type Match = readonly number[];

/** A compiled regular expression (RE2 syntax). @throws WippyError Invalid */
export function regexpOf(pattern: string): RE2JS {
  const known = cache.get(pattern);
  cache.delete(pattern);
  let compiled = known;
  try {
    compiled ??= compilePattern(pattern);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new WippyError("Invalid", `regular expression ${JSON.stringify(pattern)}: ${reason}`, {
      retryable: false,
    });
  }
  cache.set(pattern, compiled);
  if (cache.size > kept) cache.delete(cache.keys().next().value ?? "");
  return compiled;
}

/** The names of the groups, "" for those without; the first is the whole match. */
export function groupNames(regexp: RE2JS): string[] {
  const names: string[] = Array(regexp.groupCount() + 1).fill("");
  for (const [name, index] of Object.entries(regexp.namedGroups())) names[index] = name;
  return names;
}

/** Bytes of the UTF-8 sequence at `at`; 1 where it is none. */
function runeLength(text: Uint8Array, at: number): number {
  const byte = text[at] ?? 0;
  const length = byte < 0xc2 ? 1 : byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : byte < 0xf5 ? 4 : 1;
  for (let i = 1; i < length; i++) if (((text[at + i] ?? 0) & 0xc0) !== 0x80) return 1;
  return length;
}

/**
 * Successive matches that do not overlap. An empty match right behind another match is none, as in RE2's own `FindAll`.
 *
 * @param most at most that many; negative: all
 */
export function matchesOf(regexp: RE2JS, text: Uint8Array, most: number): Match[] {
  const found: Match[] = [];
  const matcher = regexp.matcher(text);
  const groups = regexp.groupCount();
  let previousEnd = -1;
  for (let at = 0; at <= text.length && found.length !== most;) {
    if (!matcher.find(at)) break;
    const [start, end] = [matcher.start(), matcher.end()];
    if (start !== end || start !== previousEnd) {
      const match = [start, end];
      for (let group = 1; group <= groups; group++) {
        match.push(matcher.start(group), matcher.end(group));
      }
      found.push(match);
    }
    previousEnd = end;
    at = end > start ? end : end + (end < text.length ? runeLength(text, end) : 1);
  }
  return found;
}

type Template = readonly (Uint8Array | number)[];

/** Reads `$1`, `${name}` and `$$`; a name is as long as it can be, so `$1x` means the group named `1x`. */
function templateOf(replacement: Uint8Array, names: readonly string[]): Template {
  const text = Buffer.from(replacement).toString("latin1");
  const parts: (Uint8Array | number)[] = [];
  let last = 0;
  for (const found of text.matchAll(/\$(?:(\$)|\{(\w+)\}|(\w+))/g)) {
    const [whole, dollar, braced, bare] = found;
    parts.push(replacement.subarray(last, found.index));
    last = found.index + whole.length;
    if (dollar !== undefined) parts.push(Uint8Array.of(0x24));
    else {
      const name = braced ?? bare ?? "";
      const index = /^\d+$/.test(name) ? Number(name) : names.indexOf(name);
      if (index >= 0 && index < names.length) parts.push(index);
    }
  }
  parts.push(replacement.subarray(last));
  return parts;
}

/** The text with every match replaced. */
export function replaceAll(
  regexp: RE2JS,
  text: Uint8Array,
  replacement: Uint8Array,
): Uint8Array {
  const template = templateOf(replacement, groupNames(regexp));
  const parts: Uint8Array[] = [];
  let last = 0;
  for (const match of matchesOf(regexp, text, -1)) {
    parts.push(text.subarray(last, match[0]));
    last = match[1]!;
    for (const part of template) {
      if (typeof part !== "number") parts.push(part);
      else if (match[2 * part]! >= 0) {
        parts.push(text.subarray(match[2 * part], match[2 * part + 1]));
      }
    }
  }
  parts.push(text.subarray(last));
  return Buffer.concat(parts);
}

/** The parts between matches, at most `most` of them (negative: all; 0: none). */
export function splitBy(regexp: RE2JS, text: Uint8Array, most: number): Uint8Array[] {
  if (most === 0) return [];
  if (text.length === 0 && regexp.pattern() !== "") return [text];
  const parts: Uint8Array[] = [];
  let [begin, end] = [0, 0];
  for (const [start, matchEnd] of matchesOf(regexp, text, most)) {
    if (most > 0 && parts.length === most - 1) break;
    end = start!;
    if (matchEnd !== 0) parts.push(text.subarray(begin, end));
    begin = matchEnd!;
  }
  if (end !== text.length) parts.push(text.subarray(begin));
  return parts;
}
