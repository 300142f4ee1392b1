import { z } from "@hono/zod-openapi";
import { nearest } from "../registry/suggestion.ts";

/** What is wrong with a field of a request. */
export interface Issue {
  /** Such as `json.args`. */
  path: string;
  message: string;
}

const types: Readonly<Record<string, string>> = {
  string: "a string",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  array: "a list",
  object: "an object",
  record: "an object",
};

function unknownFields(keys: readonly string[], known: readonly string[]): string {
  const unknown = keys.map((key) => {
    const near = nearest(key, known);
    return near === undefined ? `"${key}"` : `"${key}" (did you mean "${near}"?)`;
  });
  const possible = known.length === 0 ? "no field is possible" : `possible: ${known.join(", ")}`;
  return `unknown field ${unknown.join(", ")}; ${possible}`;
}

/** The fields of a body or of a query. A name that is not among them is refused. */
export function fields<Shape extends z.core.$ZodLooseShape>(shape: Shape) {
  return z.strictObject(shape, {
    error: (issue) =>
      issue.code === "unrecognized_keys"
        ? unknownFields(issue.keys as string[], Object.keys(shape))
        : undefined,
  });
}

function valueAt(root: unknown, path: readonly PropertyKey[]): unknown {
  let value = root;
  for (const key of path) {
    if (typeof value !== "object" || value === null) return undefined;
    value = (value as Record<PropertyKey, unknown>)[key];
  }
  return value;
}

function words(issue: z.core.$ZodIssue, value: unknown): string {
  switch (issue.code) {
    case "invalid_type": {
      const expected = types[issue.expected] ?? issue.expected;
      return value === undefined ? `is required: ${expected}` : `must be ${expected}`;
    }
    case "invalid_value": {
      const values = issue.values.map((value) => JSON.stringify(value)).join(", ");
      return `must be ${issue.values.length > 1 ? "one of " : ""}${values}`;
    }
    case "too_small":
    case "too_big": {
      const limit = issue.code === "too_small"
        ? `at least ${issue.minimum}`
        : `at most ${issue.maximum}`;
      if (issue.origin === "string") return `must have ${limit} characters`;
      if (issue.origin === "array") return `must have ${limit} items`;
      return `must be ${limit}`;
    }
    // Written by `fields` and by the schemas themselves.
    case "unrecognized_keys":
    case "custom":
      return issue.message;
    default:
      return "is not valid";
  }
}

/**
 * What a schema found wrong with a part of a request, in plain words.
 *
 * @param target `json`, `query` or `param`
 * @param given what was checked
 */
export function issuesOf(target: string, error: z.core.$ZodError, given: unknown): Issue[] {
  return error.issues.map((issue) => ({
    path: [target, ...issue.path.map(String)].join("."),
    message: words(issue, valueAt(given, issue.path)),
  }));
}
