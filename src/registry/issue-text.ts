import type { z } from "zod";

const types: Readonly<Record<string, string>> = {
  string: "a string",
  number: "a number",
  int: "a whole number",
  bigint: "a whole number",
  boolean: "true or false",
  array: "a list",
  tuple: "a list",
  object: "a map",
  record: "a map",
  map: "a map",
};

const quoted = (values: readonly unknown[]) =>
  values.map((value) => typeof value === "bigint" ? String(value) : JSON.stringify(value))
    .join(", ");

/**
 * What is wrong with a value, in plain words that follow the name of the field: they stand in the place of the schema
 * library's own wording wherever a schema has no message of its own.
 *
 * @example "must be a whole number", "must be at least 1", "is required: a string"
 */
export function issueText(issue: z.core.$ZodRawIssue): string {
  switch (issue.code) {
    case "invalid_type": {
      const expected = types[issue.expected] ?? issue.expected;
      return issue.input === undefined ? `is required: ${expected}` : `must be ${expected}`;
    }
    case "invalid_value": {
      const { values } = issue;
      return `must be ${values.length > 1 ? "one of " : ""}${quoted(values)}`;
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
    case "not_multiple_of":
      return `must be a multiple of ${issue.divisor}`;
    case "unrecognized_keys":
      return `has unknown fields: ${issue.keys.join(", ")}`;
    case "invalid_union":
      return "has none of the possible forms";
    default:
      return "is not valid";
  }
}
