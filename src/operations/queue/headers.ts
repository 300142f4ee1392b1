import type { LuaValue } from "../../vm/value.ts";

/**
 * The headers of a message as it is published: those given, and `timestamp` in Unix seconds unless it is among them.
 *
 * @param now milliseconds since 1970
 */
export function messageHeaders(given: LuaValue, now: number): Record<string, LuaValue> {
  const headers: Record<string, LuaValue> = { timestamp: Math.floor(now / 1000) };
  if (typeof given !== "object" || given === null || Array.isArray(given)) return headers;
  for (const [name, value] of Object.entries(given as Record<string, LuaValue>)) {
    // What says why a message is dead is written by the runtime alone.
    if (!name.startsWith("x_dead_letter_")) headers[name] = value;
  }
  return headers;
}
