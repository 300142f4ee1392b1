import { parseDuration } from "../registry/duration.ts";

/** Values by key. */
export type Section = Record<string, unknown>;

/** Whether a value holds others by key. */
export function isMap(value: unknown): value is Section {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * The runtime's configuration: sections of nested keys, read by dotted names. A value of another type
 * than the one asked for counts as not given.
 */
export class Config {
  static readonly empty = new Config({}, ".");

  /**
   * @param sections values by section
   * @param directory relative paths in the configuration start here (absolute path)
   */
  constructor(readonly sections: Readonly<Section>, readonly directory: string) {}

  #value(key: string): unknown {
    let value: unknown = this.sections;
    for (const part of key.split(".")) {
      if (!isMap(value) || !Object.hasOwn(value, part)) return undefined;
      value = value[part];
    }
    return value;
  }

  /** Text at a dotted key such as `relay.node_name`. */
  string(key: string): string | undefined {
    const value = this.#value(key);
    return typeof value === "string" ? value : undefined;
  }

  /** A whole number at a dotted key. */
  integer(key: string): number | undefined {
    const value = this.#value(key);
    return Number.isSafeInteger(value) ? value as number : undefined;
  }

  /** True or false at a dotted key. */
  boolean(key: string): boolean | undefined {
    const value = this.#value(key);
    return typeof value === "boolean" ? value : undefined;
  }

  /** A duration such as `30s` at a dotted key, in milliseconds. */
  duration(key: string): number | undefined {
    const value = this.#value(key);
    return typeof value === "string" ? parseDuration(value) : undefined;
  }

  /** A map as it is written; the keys of `override` and `disable` hold dots and colons. */
  map(key: string): Readonly<Section> {
    const value = this.#value(key);
    return isMap(value) ? value : {};
  }
}
