/**
 * How large a Lua value may be that leaves its unit: one table for every way in and out. The kernel has
 * the same one in `lua/kernel/core/limits.lua`.
 * @module
 */
import { WippyError } from "./error.ts";
import { LuaFloat, type LuaValue } from "./value.ts";

/** Limits of one value: an argument, a result, a message, a memo. */
export const valueLimits = {
  /** Tables inside tables; the outermost is 1. */
  depth: 128,
  /** Keys with their values, in all tables together. */
  values: 1_000_000,
  /** Bytes of all strings together, where they cross to the host or to another worker. */
  bytes: 64 * 1024 * 1024,
  /** Bytes of one value that is recorded in a history, packed. Temporal's limit. */
  record: 2 * 1024 * 1024,
} as const;

/**
 * What the runtime itself lays around values where they cross between a VM and the host, such as the list of
 * commands, a command and its list of arguments. The crossing allows it on top, so that a value which the
 * kernel has accepted always gets across.
 */
export const envelope = { depth: 16, values: 200_000 } as const;

/**
 * Refuses a value that is too deep or too large to be given to Lua code. Only for values that come from
 * outside, as JSON does.
 *
 * @param what the value in words, such as "argument 2"
 * @throws WippyError Invalid
 */
export function checkValue(value: LuaValue, what: string): LuaValue {
  if (typeof value !== "object" || value === null) return value;
  let count = 0;
  const seen = new Set<object>();
  const refuse = (why: string, limit: string, maximum: number) =>
    new WippyError("Invalid", `${what}: ${why}`, {
      retryable: false,
      details: { limit, maximum },
    });
  const visit = (part: LuaValue, depth: number): void => {
    if (typeof part !== "object" || part === null) return;
    if (part instanceof Uint8Array || part instanceof LuaFloat || seen.has(part)) return;
    seen.add(part);
    if (depth > valueLimits.depth) {
      throw refuse(
        `tables nest deeper than ${valueLimits.depth} levels`,
        "depth",
        valueLimits.depth,
      );
    }
    const parts = Array.isArray(part)
      ? part
      : part instanceof Map
      ? part.values()
      : Object.values(part);
    for (const item of parts) {
      if (++count > valueLimits.values) {
        throw refuse(
          `it holds more than ${valueLimits.values} values`,
          "values",
          valueLimits.values,
        );
      }
      visit(item as LuaValue, depth + 1);
    }
  };
  visit(value, 1);
  return value;
}
