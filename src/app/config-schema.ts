/**
 * The keys of `.wippy.yaml`, and its JSON Schema for editors.
 * @module
 */
import type { JsonSchema } from "../registry/json-schema.ts";
import { nearest } from "../registry/suggestion.ts";
import { isMap, type Section as Values } from "./config.ts";

interface Key {
  type: "string" | "integer" | "boolean" | "duration" | "map";
  description: string;
  default?: string | number | boolean;
}

/** Every key that this runtime reads. Sections may have others. */
export const configKeys: Readonly<Record<string, Key>> = {
  "disable": {
    type: "map",
    description: "Entries that are not loaded: namespaces, entries and meta.",
  },
  "logger.encoding": { type: "string", description: "json: logs are lines of JSON." },
  "logmanager.min_level": {
    type: "integer",
    description: "Lowest level that is logged: -1 debug, 0 info, 1 warn, 2 error.",
  },
  "logmanager.propagate_downstream": {
    type: "boolean",
    description: "false: nothing is logged to the terminal.",
    default: true,
  },
  "lua.eval.cache_size": {
    type: "integer",
    description: "Programs of eval_runner that each worker keeps compiled.",
    default: 256,
  },
  "lua.eval.cache_ttl": { type: "duration", description: "How long it keeps them." },
  "lua.type_system.enabled": {
    type: "boolean",
    description: "Check the types of entries; has an effect together with strict.",
    default: false,
  },
  "lua.type_system.strict": {
    type: "boolean",
    description: "Refuse entries whose types are wrong.",
    default: false,
  },
  "metrics.buffer.size": {
    type: "integer",
    description: "Series of metrics that each worker keeps.",
    default: 10_000,
  },
  "metrics.interceptor.enabled": {
    type: "boolean",
    description: "Count and measure the calls of functions.",
    default: false,
  },
  "modules.luarocks": {
    type: "string",
    description: "Address of the LuaRocks server that wippy add uses.",
  },
  "network_service.default_network": {
    type: "string",
    description: "Id of the network entry of units that have no other.",
  },
  "override": {
    type: "map",
    description: "Values of entries, by namespace:entry:path.",
  },
  "prometheus.address": {
    type: "string",
    description: "Where metrics are served: host:port or :port.",
  },
  "prometheus.enabled": {
    type: "boolean",
    description: "Serve metrics to Prometheus.",
    default: false,
  },
  "security.strict_mode": {
    type: "boolean",
    description: "Refuse what no policy allows.",
    default: false,
  },
  "shutdown.timeout": {
    type: "duration",
    description: "How long units may take to end when the runtime stops.",
  },
  "workers.heartbeat_timeout": {
    type: "duration",
    description: "A worker that does not answer for so long is replaced.",
  },
  "workspace.replacements": {
    type: "map",
    description: "Directories that are used in place of installed modules, by module name.",
  },
};

/** Keys that nothing reads, and that resemble one that is read: other programs may read others. */
export function misspelledKeys(
  values: Values,
  section = "",
): { path: string[]; meant: string }[] {
  const names = new Set(
    Object.keys(configKeys).filter((key) => key.startsWith(section))
      .map((key) => key.slice(section.length).split(".")[0]!),
  );
  return Object.entries(values).flatMap(([name, value]) => {
    const key = section + name;
    if (!names.has(name)) {
      const meant = nearest(name, names);
      return meant === undefined ? [] : [{ path: [name], meant }];
    }
    if (!isMap(value) || configKeys[key]) return [];
    return misspelledKeys(value, `${key}.`)
      .map(({ path, meant }) => ({ path: [name, ...path], meant }));
  });
}

function valueOf({ type, description, default: fallback }: Key): JsonSchema {
  if (type === "map") return { type: "object", description };
  const plain = type === "duration"
    ? { type: "string", pattern: "^(\\d+(\\.\\d+)?(ns|us|µs|ms|s|m|h))+$" }
    : { type };
  return {
    description,
    ...(fallback !== undefined && { default: fallback }),
    // A variable may stand in the place of any value.
    ...(type === "string" ? plain : { anyOf: [plain, { type: "string", pattern: "\\$\\{" }] }),
  };
}

interface Section {
  type: "object";
  properties: Record<string, JsonSchema | Section>;
}

/** The schema of `.wippy.yaml`. */
export function configSchema(): JsonSchema {
  const root: Section = { type: "object", properties: {} };
  for (const [key, what] of Object.entries(configKeys)) {
    const parts = key.split(".");
    const last = parts.pop()!;
    let section = root;
    for (const part of parts) {
      section = (section.properties[part] ??= { type: "object", properties: {} }) as Section;
    }
    section.properties[last] = valueOf(what);
  }
  return {
    $schema: "http://json-schema.org/draft-07/schema#",
    title: "Configuration of Wippy",
    ...root,
    properties: {
      version: { enum: ["1.0", 1] },
      vars: { type: "object", description: "Values for ${name}." },
      profiles: {
        type: "object",
        description: "Sections by profile, which --profile lays over those of all files.",
        additionalProperties: {
          type: ["object", "null"],
          properties: {
            vars: { type: "object", description: "Values for ${name}, over those of all files." },
            ...root.properties,
          },
          additionalProperties: { type: ["object", "null"] },
        },
      },
      ...root.properties,
    },
    additionalProperties: { type: ["object", "null"] },
  };
}
