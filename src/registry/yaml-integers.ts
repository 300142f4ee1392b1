import type { ScalarTag } from "yaml";

/**
 * Integers as YAML 1.1 writes them, which YAML 1.2 alone reads in another way or as text: 0644, as modes of files are
 * written, 1_000 and 0b11.
 */
export const oldIntegers: readonly ScalarTag[] = [
  { test: /^[-+]?0[0-7]+$/, prefix: "0o", format: "OCT" },
  { test: /^[-+]?[0-9]+(?:_[0-9]+)+$/, prefix: "", format: undefined },
  { test: /^[-+]?0b[01_]*[01]$/, prefix: "", format: "BIN" },
].map(({ test, prefix, format }): ScalarTag => ({
  tag: "tag:yaml.org,2002:int",
  default: true,
  ...(format !== undefined && { format }),
  test,
  resolve(text) {
    const value = BigInt(prefix + text.replaceAll(/[-+_]/g, ""));
    return text.startsWith("-") ? -value : value;
  },
}));
