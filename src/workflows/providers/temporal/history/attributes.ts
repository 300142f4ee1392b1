/**
 * Search attributes: unlike other values they are typed, and never encoded, because the server looks into them.
 * @module
 */
import { pack, unpack } from "../../../../vm/codec.ts";
import { LuaFloat, type LuaValue } from "../../../../vm/value.ts";
import type { Payload as Packed } from "../../../payload.ts";
import { changeVersionAttribute } from "../names.ts";
import type { Payload } from "../proto.ts";

type Fields = { [name: string]: Payload };

/** Attributes that the server or an SDK keeps of every run. */
const own = new Set([
  changeVersionAttribute,
  "BuildIds",
  "TemporalScheduledStartTime",
  "TemporalScheduledById",
]);

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const encoding = encoder.encode("json/plain");

/** The attributes of a run, packed; undefined for none. */
export function readAttributes(fields: Fields | null | undefined): Packed | undefined {
  const entries = Object.entries(fields ?? {}).filter(([name]) => !own.has(name));
  if (entries.length === 0) return undefined;
  return pack(Object.fromEntries(entries.map(([name, { metadata, data }]): [string, LuaValue] => {
    const value: unknown = data?.length ? JSON.parse(decoder.decode(data)) : null;
    const double = metadata?.["type"] && decoder.decode(metadata["type"]) === "Double";
    const plain = value === null ? undefined : value as LuaValue;
    return [name, double && typeof plain === "number" ? new LuaFloat(plain) : plain];
  })));
}

/** Packed attributes as the server takes them. */
export function writeAttributes(packed: Packed): Fields {
  const table = unpack(packed) as Record<string, LuaValue>;
  return Object.fromEntries(
    Object.entries(table).map(([name, value]) => [name, attribute(value)]),
  );
}

/** The versions of a run's code, as Temporal's SDKs list them. */
export function versionAttribute(versions: readonly string[]): Fields {
  return { [changeVersionAttribute]: typed("KeywordList", versions) };
}

function attribute(value: LuaValue): Payload {
  if (typeof value === "boolean") return typed("Bool", value);
  if (typeof value === "string") return typed("Keyword", value);
  if (Array.isArray(value)) return typed("KeywordList", value);
  const number = value instanceof LuaFloat ? value.value : Number(value);
  return typed(Number.isInteger(number) ? "Int" : "Double", number);
}

function typed(type: string, value: unknown): Payload {
  return {
    metadata: { encoding, type: encoder.encode(type) },
    data: encoder.encode(JSON.stringify(value)),
  };
}
