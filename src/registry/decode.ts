import type * as zod from "zod";
import { z } from "./schema.ts";
import { WippyError } from "../vm/error.ts";
import type { Entry } from "./entry.ts";
import { hasFields, parseId } from "./entry.ts";
import { type Fault, faultOf, pathText, valueAt } from "./fault.ts";
import type { Kind } from "./kind.ts";
import { resolvePlaceholders, type Variables } from "./placeholder.ts";

/** A payload as the kind wants it, or everything that is wrong with it. */
export type Decoded<Data> = { data: Data } | { faults: Fault[] };

/** Payloads of entries that the runtime made itself. */
const made = new WeakMap<Entry, unknown>();

/**
 * An entry that the runtime makes itself, with its payload as `decodeEntry` is to give it: nothing in it is a
 * placeholder, and nothing is checked.
 */
export function madeEntry(entry: Entry, data: Record<string, unknown>): Entry {
  made.set(entry, data);
  return entry;
}

/** Whether `decodeEntry` gives what the entry was made with. */
export function isMade(entry: Entry): boolean {
  return made.has(entry);
}

/** The same entry once more: what is kept of the one is not of the other. */
export function copyEntry(entry: Entry): Entry {
  const [copy, data] = [{ ...entry }, made.get(entry)];
  if (data !== undefined) made.set(copy, data);
  return copy;
}

/** Most schemas check a few entries: to have zod write a function for each takes longer than they do without. */
const interpreted = { jitless: true };

/** Puts a value at a path that exists. */
function replace(root: Record<string, unknown>, path: PropertyKey[], value: unknown): void {
  let parent = root as Record<PropertyKey, unknown>;
  for (const key of path.slice(0, -1)) parent = parent[key] as Record<PropertyKey, unknown>;
  parent[path.at(-1)!] = value;
}

/** The schemas inside wrappers such as defaults and transforms; several for a union. */
function unwrapped(schema: zod.core.$ZodType): zod.core.$ZodType[] {
  if (schema instanceof z.ZodPipe) {
    return unwrapped(schema.in instanceof z.ZodTransform ? schema.out : schema.in);
  }
  if (
    schema instanceof z.ZodOptional || schema instanceof z.ZodNullable ||
    schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault || schema instanceof z.ZodLazy
  ) return unwrapped(schema.unwrap());
  if (schema instanceof z.ZodUnion) return schema.options.flatMap(unwrapped);
  return [schema];
}

/** Whether a path leads to a field that the schema names, and not to a key of a map or an item of a list. */
function isField(schema: zod.core.$ZodType, path: readonly PropertyKey[]): boolean {
  const [key, ...rest] = path;
  return unwrapped(schema).some((inner) => {
    if (inner instanceof z.ZodArray) return isField(inner.element, rest);
    if (inner instanceof z.ZodRecord) return isField(inner.valueType, rest);
    if (!(inner instanceof z.ZodObject)) return false;
    const field = inner.shape[String(key)];
    return field !== undefined && (rest.length === 0 || isField(field, rest));
  });
}

/**
 * Takes out the fields whose null the schema refuses.
 *
 * @returns whether something was taken out
 */
function withoutNulls(
  schema: zod.core.$ZodType,
  data: Record<string, unknown>,
  issues: zod.core.$ZodIssue[],
): boolean {
  let found = false;
  for (const { path } of issues) {
    if (valueAt(data, path) !== null || !isField(schema, path)) continue;
    const parent = valueAt(data, path.slice(0, -1));
    found = Reflect.deleteProperty(parent as Record<PropertyKey, unknown>, path.at(-1)!);
  }
  return found;
}

/**
 * Checks a payload and fills in defaults. A field that holds nothing, as in `pool:` or `pool: null`, is as if it were
 * not written, unless null is a value there.
 *
 * @param data is changed: fields that hold nothing are taken out
 */
export function parsePayload<Schema extends zod.ZodObject>(
  schema: Schema,
  data: Record<string, unknown>,
): zod.ZodSafeParseResult<zod.output<Schema>> {
  let result = schema.safeParse(data, interpreted);
  while (!result.success && withoutNulls(schema, data, result.error.issues)) {
    result = schema.safeParse(data, interpreted);
  }
  return result;
}

/** Resolves the placeholders of a payload, checks it and fills in defaults. */
export function tryDecode<Schema extends zod.ZodObject>(
  kind: Pick<Kind<Schema>, "schema" | "written" | "anyData">,
  entry: Entry,
  variables: Variables,
): Decoded<zod.output<Schema>> {
  const known = made.get(entry) as zod.output<Schema> | undefined;
  if (known !== undefined) return { data: known };
  if (!hasFields(entry.data) && kind.anyData !== true) {
    return { faults: [{ path: [], message: "data must be a map", fix: "write keys below data" }] };
  }
  const written = kind.written?.(entry.data) ?? [];
  if (written.length > 0) return { faults: written };
  const { data, faults, guessed } = resolvePlaceholders(
    hasFields(entry.data) ? entry.data : {},
    parseId(entry.id).namespace,
    variables,
  );
  if (faults.length > 0) return { faults };
  let result = parsePayload(kind.schema, data);
  if (!result.success && guessed.size > 0) {
    // A password of digits is text where the schema wants text.
    for (const issue of result.error.issues) {
      const guess = guessed.get(issue.path.join("\0"));
      if (guess !== undefined) replace(data, guess.path, guess.text);
    }
    result = parsePayload(kind.schema, data);
  }
  if (result.success) return { data: result.data };
  return { faults: result.error.issues.map((issue) => faultOf(issue, data)) };
}

/**
 * The payload of an entry with placeholders resolved and defaults filled in.
 *
 * @throws WippyError Invalid: everything that is wrong, in one message
 */
export function decodeEntry<Schema extends zod.ZodObject>(
  kind: Pick<Kind<Schema>, "schema" | "written" | "anyData">,
  entry: Entry,
  variables: Variables,
): zod.output<Schema> {
  const decoded = tryDecode(kind, entry, variables);
  if ("data" in decoded) return decoded.data;
  const list = decoded.faults.map((fault) => fault.message).join("; ");
  throw new WippyError("Invalid", `invalid configuration of ${entry.id}: ${list}`, {
    retryable: false,
    details: { faults: decoded.faults.map(({ path, message }) => `${pathText(path)}: ${message}`) },
  });
}

/** Fields that the schema does not know, at any depth, each with the known fields beside it. */
export function unknownFields(
  schema: zod.core.$ZodType,
  value: unknown,
  path: PropertyKey[] = [],
): { path: PropertyKey[]; known: string[] }[] {
  if (typeof value !== "object" || value === null) return [];
  const schemas = unwrapped(schema);
  if (Array.isArray(value)) {
    const list = schemas.find((inner) => inner instanceof z.ZodArray);
    return list === undefined
      ? []
      : value.flatMap((item, index) => unknownFields(list.element, item, [...path, index]));
  }
  const map = schemas.find((inner) => inner instanceof z.ZodRecord);
  if (map !== undefined) {
    return Object.entries(value).flatMap(([key, item]) =>
      unknownFields(map.valueType, item, [...path, key])
    );
  }
  const objects = schemas.filter((inner) => inner instanceof z.ZodObject);
  if (objects.length === 0 || objects.some(({ def }) => def.catchall instanceof z.ZodUnknown)) {
    return [];
  }
  const shape: Record<string, zod.core.$ZodType> = Object.assign(
    {},
    ...objects.map((object) => object.shape),
  );
  const known = Object.keys(shape);
  return Object.entries(value).flatMap(([key, inner]) =>
    Object.hasOwn(shape, key)
      ? unknownFields(shape[key]!, inner, [...path, key])
      : [{ path: [...path, key], known }]
  );
}
