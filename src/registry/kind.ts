import type * as zod from "zod";
import type { Entry } from "./entry.ts";
import type { Fault } from "./fault.ts";
import { z } from "./schema.ts";
import { lazy } from "./lazy.ts";
import { suggest } from "./suggestion.ts";

/** A field that names another entry. */
export interface Reference {
  /** Path in the payload; `*` stands for each element of a list or each value of a map. */
  path: readonly string[];
  /** Whether a bare name means the namespace of the referring entry; otherwise a full id is required. */
  bareName: boolean;
  /** Kinds that the target may have; a name ending in `.` means every kind with that prefix. @default any kind */
  kinds?: readonly string[];
  /** Only of `meta`, where no schema says so: how to add the field, which must be there. */
  required?: string;
}

/** What runs the Lua code of an entry; a library is only imported. */
export type CodeUnit = "function" | "process" | "workflow" | "library";

/** The Lua code of an entry. */
export interface Code {
  source: string;
  /** The function of what the source returns; "" for a library. */
  method: string;
  modules: string[];
  /** Alias to entry id. */
  imports: Record<string, string>;
  /** How many calls of a function run at once. */
  pool?: Pool;
}

/** How many calls of one function run at once, and on what. */
export interface Pool {
  type: "inline" | "lazy" | "static" | "adaptive";
  /** Calls that run at once, at most. */
  workers: number;
  /** Calls that may wait in the queue of a static or adaptive pool. */
  buffer: number;
}

/** What keeps two entries from standing side by side. */
export interface EntryConflict {
  /** Identifier of the later one. */
  entry: string;
  path: readonly PropertyKey[];
  message: string;
  fix: string;
}

/** What the runtime knows about one kind of entry. */
export interface Kind<Schema extends zod.ZodObject = zod.ZodObject> {
  name: string;
  /** The payload: field types, defaults, rules. Unknown fields are dropped. */
  readonly schema: Schema;
  references: readonly Reference[];
  /** The same of its metadata. */
  metaReferences: readonly Reference[];
  /**
   * What no two entries of the kind may share: the text, the words for it in `WORDS already exists`, and how to
   * correct it.
   *
   * @default nothing
   */
  unique?(entry: Entry): { key: string; words: string; fix: string } | undefined;
  /** What is wrong with entries of the kind together. @default nothing */
  conflicts?(entries: ReadonlyMap<string, Entry>): EntryConflict[];
  /** Only where entries hold Lua code: what runs it, and where in the payload it is. */
  code?: { unit: CodeUnit; read(data: zod.output<Schema>): Code };
  /** Only where entries cannot change while the runtime runs: why, as in "ID: a KIND cannot change …: WHY". */
  fixed?: string;
  /** Fields of the payload that a change of an entry must leave as they are. @default none */
  constant?: readonly string[];
  /** Whether the payload may be any plain value, such as a list or a text. @default only a map */
  anyData?: true;
  /** What is wrong with a payload as it is written, before variables are put in. @default nothing */
  written?(data: Record<string, unknown>): Fault[];
}

/** What `defineKind` needs: a name, and the schema, which is made on first use. `references` defaults to none. */
export type KindDefinition<Schema extends zod.ZodObject> =
  & {
    name: string;
    schema: () => Schema;
    references?: readonly Reference[];
    metaReferences?: readonly Reference[];
  }
  & Pick<
    Kind<Schema>,
    "code" | "fixed" | "constant" | "unique" | "conflicts" | "written" | "anyData"
  >;

const defined = new WeakSet<object>();

/**
 * Defines a kind. A kind that runs nothing needs only a file in `src/registry/kinds` that exports it; one that runs
 * something is made with `defineService` (`src/services/service.ts`).
 *
 * @example
 * ```ts
 * export const alias = defineKind({
 *   name: "demo.alias",
 *   references: [{ path: ["target"], bareName: true, kinds: ["function.lua"] }],
 *   schema: () => z.object({ target: required("target", 'add "target: NAME" of a function.lua entry') }),
 * });
 * ```
 */
export function defineKind<Schema extends zod.ZodObject>(
  { schema: make, references = [], metaReferences = [], ...rest }: KindDefinition<Schema>,
): Kind<Schema> {
  const schema = lazy(make);
  const kind = {
    ...rest,
    references,
    metaReferences,
    get schema() {
      return schema();
    },
  };
  defined.add(kind);
  return kind;
}

/** Whether a value was made by `defineKind`. */
export function isKind(value: unknown): value is Kind {
  return typeof value === "object" && value !== null && defined.has(value);
}

/** A value as JSON, with integers as large as YAML has them. */
function shown(value: unknown): string {
  if (typeof value === "bigint") return String(value);
  const large = (_key: string, part: unknown) => typeof part === "bigint" ? String(part) : part;
  return JSON.stringify(value, large) ?? typeof value;
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
        message: `${what} must be text, not ${shown(value)}`,
        params: { fix },
      });
    }
    return z.NEVER;
  }).meta({ type: "string", minLength: 1 });
}

/** One of a few words; another one gives `unknown WHAT: word` and the nearest word. */
export function choice<const Word extends string>(words: readonly Word[], what: string) {
  return z.string().transform((text, context): Word => {
    const word = words.find((candidate) => candidate === text);
    if (word !== undefined) return word;
    const fix = suggest(text, words, `use one of ${words.join(", ")}`);
    context.addIssue({ code: "custom", message: `unknown ${what}: ${text}`, params: { fix } });
    return z.NEVER;
  }).meta({ enum: [...words] });
}

/** A size: a whole number, where 0 and absence mean the default. */
export function size(fallback: number, what: string) {
  return z.int().refine((value) => value >= 0, {
    error: `${what} must be greater than 0`,
    params: { fix: "write 1 or more, or leave it out for the default" },
  }).optional().transform((value) => value || fallback);
}

/** A limit: a whole number, where 0 and absence mean none. */
export function limit(what: string) {
  return size(0, what).transform((value) => value || undefined);
}
