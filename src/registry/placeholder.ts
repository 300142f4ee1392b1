import { WippyError } from "../vm/error.ts";
import type { Fault } from "./fault.ts";

/** Reads registered environment variables for `${env:…}` placeholders. */
export interface Variables {
  /** Whether the name is registered. */
  has(name: string, namespace: string): boolean;
  /** The value, the variable's own default included; `undefined` when unset. Throws WippyError. */
  lookup(name: string, namespace: string): string | undefined;
}

/** A payload without placeholders. */
export interface Resolved {
  data: Record<string, unknown>;
  faults: Fault[];
  /** Text of each value whose type was guessed, by its path joined with NUL. */
  guessed: ReadonlyMap<string, { path: PropertyKey[]; text: string }>;
}

const placeholder = /\$\$\{|\$\{env:([^}|]+)(?:\|([^}]*))?\}|\$\{([A-Z0-9_]+)\|([^}]*)\}/g;

type Scalar = string | number | boolean;

/** The value that a text stands for: `true`, `42` and `1.5` are not text. */
export function scalar(text: string): Scalar {
  if (text === "true" || text === "false") return text === "true";
  if (/^-?(?:0|[1-9]\d*)$/.test(text) && Number.isSafeInteger(Number(text))) return Number(text);
  if (/^-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$/.test(text) && /[.eE]/.test(text)) return Number(text);
  return text;
}

/** Whether two scalars are of one type; whole numbers and fractions count as one. */
function sameType(left: Scalar, right: Scalar): boolean {
  return typeof left === typeof right;
}

/**
 * Replaces the placeholders in every string of an entry's payload, and reads the older `field_env`
 * companions. The payload given is not changed.
 */
export function resolvePlaceholders(
  data: Record<string, unknown>,
  namespace: string,
  variables: Variables,
): Resolved {
  const faults: Fault[] = [];
  const guessed = new Map<string, { path: PropertyKey[]; text: string }>();

  function read(name: string, inlineDefault: string | undefined, path: PropertyKey[]) {
    let value: string | undefined;
    try {
      value = variables.lookup(name, namespace) ?? inlineDefault;
    } catch (error) {
      if (!(error instanceof WippyError)) throw error;
      faults.push({ path, message: error.message, fix: `correct the variable ${name}` });
      return "";
    }
    if (value !== undefined) return value;
    const known = variables.has(name, namespace);
    faults.push({
      path,
      message: known
        ? `environment variable ${name} is not set and has no default`
        : `unknown environment variable ${name}`,
      fix: known
        ? `set it, or write a default: \${env:${name}|default}`
        : `add an env.variable entry for it, or write a default: \${env:${name}|default}`,
    });
    return "";
  }

  function text(source: string, path: PropertyKey[]): unknown {
    if (!source.includes("${")) return source;
    const matches = [...source.matchAll(placeholder)];
    const only = matches.length === 1 && matches[0]![0] === source ? matches[0]! : undefined;
    if (only !== undefined && only[0] !== "$${") {
      const inlineDefault = only[2] ?? only[4];
      const value = read(only[1] ?? only[3]!, inlineDefault, path);
      const typed = scalar(value);
      const follows = inlineDefault === undefined || sameType(typed, scalar(inlineDefault));
      if (typeof typed === "string" || !follows) return value;
      guessed.set(path.join("\0"), { path, text: value });
      return typed;
    }
    return source.replace(
      placeholder,
      (whole, named?: string, namedDefault?: string, short?: string, shortDefault?: string) =>
        whole === "$${" ? "${" : read(named ?? short!, namedDefault ?? shortDefault, path),
    );
  }

  function walk(value: unknown, path: PropertyKey[]): unknown {
    if (typeof value === "string") return text(value, path);
    if (Array.isArray(value)) return value.map((element, index) => walk(element, [...path, index]));
    if (typeof value !== "object" || value === null) return value;
    return walkMap(value as Record<string, unknown>, path);
  }

  function walkMap(map: Record<string, unknown>, path: PropertyKey[]): Record<string, unknown> {
    const result: Record<string, unknown> = {};
    for (const [key, value] of Object.entries(map)) {
      Object.defineProperty(result, key, {
        value: walk(value, [...path, key]),
        enumerable: true,
        configurable: true,
        writable: true,
      });
    }
    for (const [key, name] of Object.entries(map)) {
      if (!key.endsWith("_env") || typeof name !== "string" || name === "") continue;
      const value = variables.lookup(name, namespace);
      if (value !== undefined) result[key.slice(0, -"_env".length)] = value;
    }
    return result;
  }

  // `source` is code: a Lua string may hold "${" and means it.
  const { source, ...rest } = data;
  const resolved = walkMap(rest, []);
  if (source !== undefined) resolved["source"] = source;
  return { data: resolved, faults, guessed };
}
