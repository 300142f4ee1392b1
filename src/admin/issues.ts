import { z } from "@hono/zod-openapi";
import { issueText } from "../registry/issue-text.ts";
import { nearest } from "../registry/suggestion.ts";

// Schemas without a message of their own speak as the rest of the program does.
z.config({ customError: issueText });

/** What is wrong with a field of a request. */
export interface Issue {
  /** Such as `json.args`. */
  path: string;
  message: string;
}

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

/**
 * What a schema found wrong with a part of a request.
 *
 * @param target `json`, `query` or `param`
 */
export function issuesOf(target: string, error: z.core.$ZodError): Issue[] {
  return error.issues.map(({ path, message }) => ({
    path: [target, ...path.map(String)].join("."),
    message,
  }));
}
