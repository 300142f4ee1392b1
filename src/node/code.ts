import { prepareSource } from "../app/source.ts";
import { decodeEntry, isMade } from "../registry/decode.ts";
import type { Entry } from "../registry/entry.ts";
import type { Variables } from "../registry/placeholder.ts";
import { kinds } from "../registry/kinds.ts";
import type { CodeEntry } from "../worker/messages.ts";

function defaultHost(entry: Entry): string | undefined {
  const options = entry.meta["options"] as Record<string, unknown> | undefined;
  const host = entry.meta["default_host"] ?? options?.["default_host"];
  return typeof host === "string" ? host : undefined;
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** What the entry says of calls of it: `meta.options`, and whether it is a local activity. */
function callOptions({ meta }: Entry): Record<string, unknown> | undefined {
  const options = isMap(meta["options"]) ? meta["options"] : undefined;
  const temporal = meta["temporal"];
  const activity = isMap(temporal) ? temporal["activity"] : undefined;
  if (!isMap(activity) || activity["local"] === undefined) return options;
  return { "activity.local": activity["local"], ...options };
}

function sourceOf(entry: Entry, text: string): string | Uint8Array {
  const { code } = prepareSource(entry.id, text);
  return entry.origin?.bytes ? Buffer.from(code, "latin1") : code;
}

/** What workers need of entries whose payloads depend on nothing else. */
const known = new WeakMap<Entry, CodeEntry>();

/** A Lua entry as workers need it; undefined for entries without code. @throws WippyError Invalid */
export function codeEntry(entry: Entry, variables: Variables): CodeEntry | undefined {
  const present = known.get(entry);
  if (present) return present;
  const code = readCode(entry, variables);
  if (code && isMade(entry)) known.set(entry, code);
  return code;
}

function readCode(entry: Entry, variables: Variables): CodeEntry | undefined {
  const kind = kinds.get(entry.kind);
  if (!kind?.code) return undefined;
  const { source, method, modules, imports, pool } = kind.code.read(
    decodeEntry(kind, entry, variables),
  );
  const { chunk, text } = entry.origin ?? {};
  const host = defaultHost(entry);
  const options = callOptions(entry);
  return {
    id: entry.id,
    kind: entry.kind,
    source: sourceOf(entry, source),
    method,
    modules,
    ...(chunk !== undefined && { chunk }),
    ...(entry.origin?.script && { script: entry.origin.script }),
    ...(text !== undefined && { text: sourceOf(entry, text) }),
    ...(pool && { pool: { ...pool } }),
    ...(Object.keys(imports).length > 0 && { imports }),
    // A library is never called.
    ...(kind.code.unit !== "library" && options && { options }),
    ...(kind.code.unit !== "library" && host !== undefined && { host }),
  };
}
