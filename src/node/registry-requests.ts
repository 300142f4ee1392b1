import type { z } from "zod";
import type { Entry } from "../registry/entry.ts";
import { compareIds } from "../registry/entry.ts";
import { kinds } from "../registry/kinds.ts";
import { compileQuery } from "../registry/query.ts";
import type { Change, Version } from "../registry/versions.ts";
import { WippyError } from "../vm/error.ts";
import type { LuaValue } from "../vm/value.ts";
import type { LiveRegistry } from "./live-registry.ts";

type Handler = (origin: number, ...args: LuaValue[]) => LuaValue | Promise<LuaValue>;

/** A table that Lua sent, as an object; a list stays one. */
function objectOf(value: LuaValue): LuaValue {
  if (Array.isArray(value)) return value.map(objectOf);
  if (value instanceof Map) {
    return Object.fromEntries([...value].map(([key, item]) => [String(key), objectOf(item)]));
  }
  if (
    typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype
  ) {
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

function entryValue({ id, kind, meta, data }: Entry): LuaValue {
  return { id, kind, meta: meta as LuaValue, data: data as LuaValue };
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
function listsOfKind(kindName: string, data: Record<string, unknown>): Record<string, unknown> {
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

function changesOf(list: LuaValue, present: ReadonlyMap<string, Entry>): Change[] {
  const items = Array.isArray(list) ? list : [];
  return items.map((item) => {
    const { kind, entry } = fields(item);
    const { id, kind: entryKind, meta, data } = fields(entry);
    return {
      kind: String(kind) as Change["kind"],
      entry: {
        id: String(id),
        kind: String(entryKind ?? ""),
        meta: shapedAs(fields(meta), present.get(String(id))?.meta) as Entry["meta"],
        data: listsOfKind(
          String(entryKind ?? ""),
          shapedAs(fields(data), present.get(String(id))?.data) as Entry["data"],
        ),
      },
    };
  });
}

function versionValue({ id, previous }: Version): LuaValue {
  return { id, ...(previous !== undefined && { previous }) };
}

/** What the Lua module `registry` asks of the node. */
export function registryRequests(registry: LiveRegistry): Record<string, Handler> {
  const { versions } = registry;
  const entriesAt = (version: LuaValue): ReadonlyMap<string, Entry> =>
    version === undefined ? versions.entries : versions.at(Number(version));
  return {
    registry_get: (_, id, version) => {
      const entry = entriesAt(version).get(String(id));
      if (!entry) {
        throw new WippyError("NotFound", `entry not found: ${String(id)}`, { retryable: false });
      }
      return entryValue(entry);
    },
    registry_find: (_, query, version) => {
      const matches = compileQuery(fields(query), () => {});
      return entryList([...entriesAt(version).values()].filter(matches));
    },
    registry_current: () => versionValue(versions.current),
    registry_version: (_, id) => versionValue(versions.version(Number(id))),
    registry_versions: () => versions.all().map(versionValue),
    registry_apply: async (_, changes) =>
      versionValue(await registry.apply(changesOf(changes, versions.entries))),
    registry_move: async (_, id) => versionValue(await registry.moveTo(Number(id))),
  };
}
