import { type Entry, parseId } from "../registry/entry.ts";
import type { Problem } from "./problem.ts";

type Segments = readonly string[];

function segmentMatches(pattern: string, segment: string): boolean {
  if (pattern === "*") return true;
  const [, choice] = /^\((.*)\)$/.exec(pattern) ?? [];
  return choice === undefined ? pattern === segment : choice.split("|").includes(segment);
}

function segmentsMatch(pattern: Segments, text: Segments): boolean {
  if (pattern.length === 0) return text.length === 0;
  const [first, ...rest] = pattern;
  if (first === "**") {
    return segmentsMatch(rest, text) || text.length > 0 && segmentsMatch(pattern, text.slice(1));
  }
  const [head, ...tail] = text;
  return head !== undefined && segmentMatches(first ?? "", head) && segmentsMatch(rest, tail);
}

/**
 * Whether a dotted name matches a pattern: `*` is one segment, `**` any number, `(a|b)` a choice; a
 * star inside a segment is a star.
 */
export function matchesPattern(pattern: string, name: string): boolean {
  // Several ** in a row mean what one means, and cost exponential time.
  const segments = pattern.split(".").filter((part, index, all) =>
    part !== "**" || all[index - 1] !== "**"
  );
  return segmentsMatch(segments, name.split("."));
}

/** Whether an identifier matches `nspattern:namepattern`. */
export function matchesEntryPattern(pattern: string, id: string): boolean {
  const wanted = parseId(pattern);
  const { namespace, name } = parseId(id);
  return matchesPattern(wanted.namespace, namespace) && matchesPattern(wanted.name, name);
}

function texts(value: unknown): string[] {
  const list = Array.isArray(value) ? value : [value];
  return list.filter((element) => typeof element === "string");
}

/** Finds the entries switched off by the `disable` section of the configuration. */
export function findDisabled(
  entries: Iterable<Entry>,
  section: Readonly<Record<string, unknown>>,
): { disabled: Set<string>; problems: Problem[] } {
  const namespaces = texts(section["namespaces"]);
  const patterns = texts(section["entries"]);
  const meta = typeof section["meta"] === "object" && section["meta"] !== null
    ? Object.entries(section["meta"])
    : [];
  const problems = patterns.filter((pattern) => !/^[^:]+:.+$/s.test(pattern)).map((
    pattern,
  ): Problem => ({
    severity: "error",
    message: `invalid disable.entries pattern "${pattern}"`,
    fix: 'write it like "app.tests:*"',
  }));
  const disabled = new Set<string>();
  for (const { id, meta: fields } of entries) {
    const off = namespaces.some((pattern) => matchesPattern(pattern, parseId(id).namespace)) ||
      patterns.some((pattern) => matchesEntryPattern(pattern, id)) ||
      meta.some(([field, values]) => texts(values).includes(fields[field] as string));
    if (off) disabled.add(id);
  }
  return { disabled, problems };
}
