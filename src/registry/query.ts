import type { Entry } from "./entry.ts";
import { parseId } from "./entry.ts";
import { compilePattern } from "./pattern.ts";

/**
 * Criteria that must all hold. Keys: `.id` `.kind` `.ns` `.name` (equality, or one `*`), `meta.F`
 * (equality by value), `~meta.F` (regular expression), `*meta.F` (substring), `^meta.F` (prefix),
 * `$meta.F` (suffix).
 */
export type Query = Readonly<Record<string, unknown>>;

/** Tells whether an entry meets one criterion. */
type Criterion = (entry: Entry) => boolean;

const identityFields: Readonly<Record<string, (entry: Entry) => string>> = {
  ".id": (entry) => entry.id,
  ".kind": (entry) => entry.kind,
  ".ns": (entry) => parseId(entry.id).namespace,
  ".name": (entry) => parseId(entry.id).name,
};

function glob(pattern: string): (text: string) => boolean {
  const parts = pattern.split("*");
  if (parts.length === 1) return (text) => text === pattern;
  // Two stars match nothing: the rule of the format, not an oversight.
  if (parts.length > 2) return () => false;
  const [prefix, suffix] = parts as [string, string];
  return (text) =>
    text.length >= prefix.length + suffix.length && text.startsWith(prefix) &&
    text.endsWith(suffix);
}

/** Equality by value: 3, 3n and 3.0 are equal; a list holds when it has all elements expected. */
function matches(actual: unknown, expected: unknown): boolean {
  if (Array.isArray(actual) && Array.isArray(expected)) {
    return expected.every((element) => actual.some((present) => matches(present, element)));
  }
  const numeric = (value: unknown) => typeof value === "number" || typeof value === "bigint";
  // deno-lint-ignore eqeqeq -- number and bigint compare by value only with the loose operator
  if (numeric(actual) && numeric(expected)) return actual == expected;
  if (typeof actual !== "object" || typeof expected !== "object") return actual === expected;
  if (actual === null || expected === null) return actual === expected;
  const left = Object.entries(actual);
  const right = expected as Record<string, unknown>;
  return left.length === Object.keys(right).length &&
    left.every(([key, value]) => Object.hasOwn(right, key) && matches(value, right[key]));
}

function metaCriterion(operator: string, field: string, expected: unknown): Criterion | string {
  if (operator === "") return (entry) => matches(entry.meta[field], expected);
  if (typeof expected !== "string") return `needs a string, not ${typeof expected}`;
  const test = (accept: (text: string) => boolean): Criterion => (entry) => {
    const actual = entry.meta[field];
    return typeof actual === "string" && accept(actual);
  };
  if (operator === "^") return test((text) => text.startsWith(expected));
  if (operator === "$") return test((text) => text.endsWith(expected));
  if (operator === "~") {
    try {
      const pattern = compilePattern(expected);
      return test((text) => pattern.matcher(text).find());
    } catch (error) {
      return `is not a regular expression: ${(error as Error).message}`;
    }
  }
  return (entry) => {
    const actual = entry.meta[field];
    const texts = Array.isArray(actual) ? actual : [actual];
    return texts.some((text) => typeof text === "string" && text.includes(expected));
  };
}

function criterion(key: string, expected: unknown): Criterion | string {
  const identity = identityFields[key];
  if (identity !== undefined) {
    if (typeof expected !== "string") return `needs a string, not ${typeof expected}`;
    const accept = glob(expected);
    return (entry) => accept(identity(entry));
  }
  const parts = /^([~*^$]?)meta\.(.+)$/s.exec(key);
  if (parts === null) return "is not a search key; use .kind, .ns, .name, .id or meta.FIELD";
  return metaCriterion(parts[1]!, parts[2]!, expected);
}

/**
 * Makes one test of a query. A criterion that cannot be understood is left out, as the format demands.
 *
 * @param warn hears of each criterion left out
 */
export function compileQuery(query: Query, warn: (message: string) => void): Criterion {
  const criteria: Criterion[] = [];
  for (const [key, expected] of Object.entries(query)) {
    const made = criterion(key, expected);
    if (typeof made === "string") warn(`registry query: "${key}" ${made}; it is ignored`);
    else criteria.push(made);
  }
  return (entry) => criteria.every((holds) => holds(entry));
}
