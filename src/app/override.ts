import { type Entry, hasFields } from "../registry/entry.ts";
import { nearest } from "../registry/suggestion.ts";
import type { Problem } from "./problem.ts";

/** A value put over one field of one entry. */
export interface Override {
  entry: string;
  /** `kind`, `meta.x.y`, `data.x.y` or `x.y` */
  path: string;
  value: unknown;
}

const form = "namespace:entry:field=value";

/** The value of an `-o` argument: only what is plainly a number or a boolean is not text. */
export function overrideValue(text: string): string | number | bigint | boolean {
  if (/^(?:true|false)$/i.test(text)) return text.toLowerCase() === "true";
  if (/^-?(?:0|[1-9]\d*)$/.test(text)) {
    const [integer, number] = [BigInt(text), Number(text)];
    if (BigInt.asIntN(64, integer) !== integer) return text;
    return Number.isSafeInteger(number) ? number : integer;
  }
  if (/^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/.test(text) && /[.eE]/.test(text)) {
    return Number(text);
  }
  return text;
}

/** Splits one `-o` argument at commas; a quoted part keeps its commas, `""` is a quote. */
function splitList(argument: string): string[] {
  const parts: string[] = [];
  for (const [, quoted, plain] of argument.matchAll(/(?:"((?:[^"]|"")*)"|([^,]*))(?:,|$)/g)) {
    const part = quoted === undefined ? plain : quoted.replaceAll('""', '"');
    if (part) parts.push(part);
  }
  return parts;
}

function splitKey(key: string): { entry: string; path: string } | undefined {
  const first = key.indexOf(":");
  const second = first < 0 ? -1 : key.indexOf(":", first + 1);
  if (second < 0) return undefined;
  const path = key.slice(second + 1);
  return path === "" ? undefined : { entry: key.slice(0, second), path };
}

function missingSeparator(key: string): Problem {
  return {
    severity: "error",
    message: `invalid override: ${key}: missing separator ':', expected format: ${form}`,
    fix: 'write it like -o "app:db:options.timeout=5s"',
  };
}

/** Reads `-o` arguments. */
export function parseOverrideArguments(
  list: readonly string[],
): { overrides: Override[]; problems: Problem[] } {
  const overrides: Override[] = [];
  const problems: Problem[] = [];
  for (const argument of list.flatMap(splitList)) {
    const equals = argument.indexOf("=");
    const key = equals < 0 ? undefined : splitKey(argument.slice(0, equals));
    if (key === undefined) problems.push(missingSeparator(argument));
    else overrides.push({ ...key, value: overrideValue(argument.slice(equals + 1)) });
  }
  return { overrides, problems };
}

/** Reads the `override` section of the configuration; a map sets only the fields that it names. */
export function parseOverrideSection(
  section: Readonly<Record<string, unknown>>,
): { overrides: Override[]; problems: Problem[] } {
  const overrides: Override[] = [];
  const problems: Problem[] = [];
  function flatten(key: string, value: unknown): void {
    if (typeof value === "object" && value !== null && !Array.isArray(value)) {
      const separator = splitKey(key) === undefined ? ":" : ".";
      for (const [name, inner] of Object.entries(value)) {
        flatten(`${key}${separator}${name}`, inner);
      }
      return;
    }
    const parts = splitKey(key);
    if (parts === undefined) problems.push(missingSeparator(key));
    else overrides.push({ ...parts, value });
  }
  for (const [key, value] of Object.entries(section)) flatten(key, value);
  return { overrides, problems };
}

/**
 * Replaces `${env:NAME}` of the operating system in the texts of overrides. Where an entry is the variable of that
 * name, the placeholder stays: then the value has that variable's type, and is no part of the entry.
 */
export function withSystem(
  overrides: readonly Override[],
  entries: ReadonlyMap<string, Entry>,
  system: Readonly<Record<string, string | undefined>>,
): Override[] {
  const registered = new Set<unknown>(
    [...entries.values()].filter(({ kind }) => kind === "env.variable")
      .flatMap(({ id, data }) => [id, hasFields(data) ? data["variable"] : undefined]),
  );
  const replaced = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(replaced);
    if (typeof value !== "string") return value;
    return value.replace(
      /\$\{env:([\w.:-]+)\}/g,
      (placeholder, name: string) =>
        registered.has(name) ? placeholder : system[name] ?? placeholder,
    );
  };
  return overrides.map((override) => ({ ...override, value: replaced(override.value) }));
}

/** Sets a dotted path in a map, making maps on the way and replacing what is in it. */
export function setPath(root: Record<string, unknown>, path: string, value: unknown): void {
  const parts = path.split(".");
  const last = parts.pop() ?? "";
  let map = root;
  for (const part of parts) {
    const inner = Object.hasOwn(map, part) ? map[part] : undefined;
    const usable = typeof inner === "object" && inner !== null && !Array.isArray(inner);
    map = usable ? inner as Record<string, unknown> : map[part] = {};
  }
  map[last] = value;
}

/** Puts the overrides over the entries, which are changed in place. */
export function applyOverrides(
  entries: ReadonlyMap<string, Entry>,
  overrides: readonly Override[],
): Problem[] {
  const problems: Problem[] = [];
  for (const { entry: id, path, value } of overrides) {
    const wrong = (message: string, fix: string) =>
      problems.push({ severity: "error", message: `override ${id}:${path}: ${message}`, fix });
    const entry = entries.get(id);
    const unsafe = path.split(".").some((part) => part === "" || part === "__proto__");
    if (entry === undefined) {
      const near = nearest(id, entries.keys());
      wrong(
        `unknown entry ${id}`,
        near === undefined ? "name an entry" : `did you mean "${near}"?`,
      );
    } else if (unsafe) wrong("the path has an empty part", `write ${form}`);
    else if (path === "kind") {
      if (typeof value === "string" && value.trim() !== "") entry.kind = value;
      else wrong("kind must be a non-empty string", "name a kind such as function.lua");
    } else if (path === "meta" || path === "data") {
      wrong("the path names no field", `write ${path}.FIELD`);
    } else if (path.startsWith("meta.")) setPath(entry.meta, path.slice("meta.".length), value);
    else {
      if (!hasFields(entry.data)) entry.data = {};
      setPath(entry.data, path.replace(/^data\./, ""), value);
    }
  }
  return problems;
}
