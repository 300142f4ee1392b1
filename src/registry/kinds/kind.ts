import type * as zod from "zod";
import { z } from "../schema.ts";
import { lazy } from "../lazy.ts";
import { suggest } from "../suggestion.ts";

/** A field that names another entry. */
export interface Reference {
  /** Path in the payload; `*` stands for each element of a list or each value of a map. */
  path: readonly string[];
  /** Whether a bare name means the namespace of the referring entry. */
  bareName: boolean;
  /** Kinds that the target may have; a name ending in `.` means every kind that begins so. */
  kinds?: readonly string[];
}

/** What the runtime knows about one kind of entry. */
export interface Kind<Schema extends zod.ZodObject = zod.ZodObject> {
  name: string;
  /** The payload: field types, defaults, rules. Unknown fields are dropped. */
  readonly schema: Schema;
  references: readonly Reference[];
  /** Whether the entry holds Lua code. */
  code: boolean;
}

/** Defines a kind; only the name and the schema, which is made when it is first asked for, are needed. */
export function defineKind<Schema extends zod.ZodObject>(
  kind: { name: string; schema: () => Schema; references?: readonly Reference[]; code?: boolean },
): Kind<Schema> {
  const { name, references = [], code = false } = kind;
  const schema = lazy(kind.schema);
  return {
    name,
    references,
    code,
    get schema() {
      return schema();
    },
  };
}

/** A text that must be there and not be blank; `what` begins the error: `source is required`. */
export function required(what: string, fix: string) {
  const wrong = { message: `${what} is required`, params: { fix } };
  return z.unknown().transform((value, context): string => {
    if (typeof value === "string" && value.trim() !== "") return value;
    if (value === undefined || value === null || value === "" || typeof value === "string") {
      context.addIssue({ code: "custom", ...wrong });
    } else {
      context.addIssue({
        code: "custom",
        message: `${what} must be text, not ${JSON.stringify(value) ?? typeof value}`,
        params: { fix },
      });
    }
    return z.NEVER;
  });
}

/** One of a few words; another one gives `unknown WHAT: word` and the nearest word. */
export function choice<const Word extends string>(words: readonly Word[], what: string) {
  return z.string().transform((text, context): Word => {
    const word = words.find((candidate) => candidate === text);
    if (word !== undefined) return word;
    const fix = suggest(text, words, `use one of ${words.join(", ")}`);
    context.addIssue({ code: "custom", message: `unknown ${what}: ${text}`, params: { fix } });
    return z.NEVER;
  });
}

/** A size: a whole number, where 0 and absence mean the default. */
export function size(fallback: number, what: string) {
  return z.int().refine((value) => value >= 0, {
    error: `${what} must be greater than 0`,
    params: { fix: "write 1 or more, or leave it out for the default" },
  }).optional().transform((value) => value || fallback);
}
