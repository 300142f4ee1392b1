import { prepareSource } from "../app/source.ts";
import { decodeEntry } from "../registry/decode.ts";
import type { Entry } from "../registry/entry.ts";
import { functionLua, libraryLua, processLua, workflowLua } from "../registry/kinds/lua.ts";
import type { Variables } from "../registry/placeholder.ts";
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

/** A Lua entry as workers need it; undefined for entries without code. @throws WippyError Invalid */
export function codeEntry(entry: Entry, variables: Variables): CodeEntry | undefined {
  const chunk = entry.origin?.chunk;
  const common = { id: entry.id, kind: entry.kind, ...(chunk !== undefined && { chunk }) };
  const host = defaultHost(entry);
  const options = callOptions(entry);
  const rest = {
    ...(options && { options }),
    ...(host !== undefined && { host }),
  };
  const lists = (data: { modules: string[]; imports: Record<string, string> }) => ({
    modules: data.modules,
    ...(Object.keys(data.imports).length > 0 && { imports: data.imports }),
  });
  switch (entry.kind) {
    case functionLua.name: {
      const data = decodeEntry(functionLua, entry, variables);
      const { code } = prepareSource(entry.id, data.source);
      const pool = { ...data.pool };
      return { ...common, source: code, method: data.method, pool, ...lists(data), ...rest };
    }
    case libraryLua.name: {
      const data = decodeEntry(libraryLua, entry, variables);
      const { code } = prepareSource(entry.id, data.source);
      return { ...common, source: code, method: "", ...lists(data) };
    }
    case processLua.name:
    case workflowLua.name: {
      const kind = entry.kind === processLua.name ? processLua : workflowLua;
      const data = decodeEntry(kind, entry, variables);
      const { code } = prepareSource(entry.id, data.source);
      return { ...common, source: code, method: data.method, ...lists(data), ...rest };
    }
    default:
      return undefined;
  }
}
