import type { Entry } from "../registry/entry.ts";
import { compareIds } from "../registry/entry.ts";
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

function changesOf(list: LuaValue): Change[] {
  const items = Array.isArray(list) ? list : [];
  return items.map((item) => {
    const { kind, entry } = fields(item);
    const { id, kind: entryKind, meta, data } = fields(entry);
    return {
      kind: String(kind) as Change["kind"],
      entry: {
        id: String(id),
        kind: String(entryKind ?? ""),
        meta: fields(meta),
        data: fields(data),
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
    registry_apply: async (_, changes) => versionValue(await registry.apply(changesOf(changes))),
    registry_move: async (_, id) => versionValue(await registry.moveTo(Number(id))),
  };
}
