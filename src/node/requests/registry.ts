import type { z } from "zod";
import {
  compareIds,
  type Entry,
  type EntryData,
  hasFields,
  payloadOf,
} from "../../registry/entry.ts";
import { entryValue } from "../../registry/entry-value.ts";
import { kinds } from "../../registry/kinds.ts";
import { compileQuery } from "../../registry/query.ts";
import type { Change, Version } from "../../registry/versions.ts";
import { WippyError } from "../../vm/error.ts";
import { isTable, LuaFloat, type LuaValue } from "../../vm/value.ts";
import type { LiveRegistry } from "../live-registry.ts";
import {
  any,
  integer,
  list,
  oneOf,
  optional,
  request,
  type Requests,
  table,
  text,
} from "./request.ts";

/** A table that Lua sent, as an object; a list stays one. Numbers have one type, as in definition files. */
function objectOf(value: LuaValue): LuaValue {
  if (value instanceof LuaFloat) return value.value;
  if (Array.isArray(value)) return value.map(objectOf);
  if (value instanceof Map) {
    return Object.fromEntries([...value].map(([key, item]) => [String(key), objectOf(item)]));
  }
  if (isTable(value)) {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, objectOf(item)]));
  }
  return typeof value === "bigint" ? Number(value) : value;
}

function fields(value: LuaValue): Record<string, LuaValue> {
  const object = objectOf(value);
  return typeof object === "object" && object !== null && !Array.isArray(object)
    ? object as Record<string, LuaValue>
    : {};
}

/** A list with its length told apart, since Lua cannot tell an empty list from an empty map. */
function entryList(entries: Iterable<Entry>): LuaValue {
  return [...entries].sort((left, right) => compareIds(left.id, right.id)).map(entryValue);
}

function isEmptyMap(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value) &&
    Object.keys(value).length === 0;
}

/** An empty Lua table is a list where the value that it replaces was one, at any depth. */
function shapedAs(value: unknown, model: unknown): unknown {
  if (Array.isArray(model) && isEmptyMap(value)) return [];
  if (typeof value !== "object" || value === null || typeof model !== "object" || model === null) {
    return value;
  }
  const shaped = (item: unknown, key: string | number) =>
    shapedAs(item, (model as Record<string | number, unknown>)[key]);
  return Array.isArray(value)
    ? value.map(shaped)
    : Object.fromEntries(Object.entries(value).map(([key, item]) => [key, shaped(item, key)]));
}

/** Fields that the kind wants as a list, where an empty Lua table looked like a map. */
function listsOfKind(kindName: string, data: EntryData): EntryData {
  if (!hasFields(data)) return data;
  const shape = kinds.get(kindName)?.schema.shape;
  return Object.fromEntries(
    Object.entries(data).map(([name, value]) => {
      const field = shape?.[name] as z.ZodType | undefined;
      const isList = isEmptyMap(value) && field !== undefined &&
        !field.safeParse(value).success && field.safeParse([]).success;
      return [name, isList ? [] : value];
    }),
  );
}

function changesOf(
  changes: readonly ReturnType<typeof change>[],
  present: ReadonlyMap<string, Entry>,
): Change[] {
  return changes.map(({ kind, entry: { id, kind: entryKind = "", meta, data } }) => ({
    kind,
    entry: {
      id,
      kind: entryKind,
      meta: shapedAs(fields(meta), present.get(id)?.meta) as Entry["meta"],
      data: listsOfKind(
        entryKind,
        payloadOf(shapedAs(objectOf(data), present.get(id)?.data)),
      ),
    },
  }));
}

function versionValue({ id, previous }: Version): LuaValue {
  return { id, ...(previous !== undefined && { previous }) };
}

const change = table({
  kind: oneOf(["entry.create", "entry.update", "entry.delete"]),
  entry: table({ id: text, kind: optional(text), meta: any, data: any }),
});

/** The registry, for the Lua module of that name. */
export function registryRequests(registry: LiveRegistry): Requests {
  const { versions } = registry;
  const entriesAt = (version: number | undefined): ReadonlyMap<string, Entry> =>
    version === undefined ? versions.entries : versions.at(version);
  return {
    "registry.get": request({ id: text, version: optional(integer) }, ({ id, version }) => {
      const entry = entriesAt(version).get(id);
      if (entry) return entryValue(entry);
      throw new WippyError("NotFound", `entry not found: ${id}`, { retryable: false });
    }),
    "registry.find": request({ query: any, version: optional(integer) }, ({ query, version }) => {
      const matches = compileQuery(fields(query), () => {});
      return entryList([...entriesAt(version).values()].filter(matches));
    }),
    "registry.current": request({}, () => versionValue(versions.current)),
    "registry.version": request({ id: integer }, ({ id }) => versionValue(versions.version(id))),
    "registry.versions": request({}, () => versions.all().map(versionValue)),
    "registry.apply": request(
      { changes: list(change) },
      async ({ changes }) =>
        versionValue(await registry.apply(changesOf(changes, versions.entries))),
    ),
    "registry.move": request(
      { id: integer },
      async ({ id }) => versionValue(await registry.moveTo(id)),
    ),
  };
}
