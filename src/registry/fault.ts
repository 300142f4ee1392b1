import type { z } from "zod";

/** Something wrong inside a payload: where, what, and how to fix it. */
export interface Fault {
  /** Keys and list positions from the root of the payload. */
  path: PropertyKey[];
  message: string;
  fix: string;
}

const typeNames: Readonly<Record<string, string>> = {
  string: "text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  array: "a list",
  object: "a map",
  record: "a map",
};

/** Words for a value in an error message; long texts are cut. */
function describe(value: unknown): string {
  if (value === null) return "nothing";
  if (typeof value === "string") {
    const line = value.length > 40 ? `${value.slice(0, 37)}...` : value;
    return `the text ${JSON.stringify(line)}`;
  }
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object") return "a map";
  return String(value);
}

/** The value at a path, `undefined` when something is missing on the way. */
export function valueAt(root: unknown, path: readonly PropertyKey[]): unknown {
  let value = root;
  for (const key of path) {
    if (typeof value !== "object" || value === null) return undefined;
    value = (value as Record<PropertyKey, unknown>)[key];
  }
  return value;
}

/** A path in the words of YAML: `targets[0].entry`. */
export function pathText(path: readonly PropertyKey[]): string {
  return path.map((key, index) =>
    typeof key === "number" ? `[${key}]` : index === 0 ? String(key) : `.${String(key)}`
  ).join("");
}

/** Puts one issue of a schema into plain words. */
export function faultOf(issue: z.core.$ZodIssue, root: unknown): Fault {
  const path = [...issue.path];
  const field = pathText(path) || "the payload";
  const value = valueAt(root, path);
  if (issue.code === "custom") {
    const fix = issue.params?.["fix"];
    return {
      path,
      message: issue.message,
      fix: typeof fix === "string" ? fix : `correct ${field}`,
    };
  }
  if (value === undefined) {
    return { path, message: `${field} is required`, fix: `add "${field}: ..." to the entry` };
  }
  if (issue.code === "invalid_type") {
    const expected = typeNames[issue.expected] ?? issue.expected;
    const quoted = issue.expected === "string" && typeof value !== "object" && value !== null
      ? `write it in quotes: ${JSON.stringify(String(value))}`
      : `write ${expected}`;
    return { path, message: `${field} must be ${expected}, not ${describe(value)}`, fix: quoted };
  }
  if (issue.code === "too_small" && issue.origin === "string") {
    return { path, message: `${field} must not be empty`, fix: "write a value" };
  }
  if (issue.code === "too_small") {
    const minimum = String(issue.minimum);
    return {
      path,
      message: `${field} must be at least ${minimum}, not ${describe(value)}`,
      fix: `write ${minimum} or more`,
    };
  }
  return { path, message: `${field}: ${issue.message}`, fix: `correct ${field}` };
}
