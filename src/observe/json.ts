import { textOfBytes } from "../vm/byte-text.ts";

/**
 * JSON of anything that Lua code can make: bigint as digits, bytes as text (what is no UTF-8 as `\xe9`), errors as
 * their message,
 * a cycle as the text `(cycle)`.
 *
 * @param indent spaces a level; absent: one line
 */
export function toJson(value: unknown, indent?: number): string {
  const around: unknown[] = [];
  function encode(this: unknown, _key: string, inner: unknown): unknown {
    if (typeof inner === "bigint") return JSON.rawJSON(inner.toString());
    if (inner instanceof Uint8Array) return textOfBytes(inner);
    if (inner instanceof Error) return inner.message;
    const plain = inner instanceof Map ? Object.fromEntries(inner) : inner;
    if (typeof plain !== "object" || plain === null) return plain;
    // What is around a value ends with its holder: a value among them is a cycle.
    while (around.length > 0 && around[around.length - 1] !== this) around.pop();
    if (around.includes(plain)) return "(cycle)";
    around.push(plain);
    return plain;
  }
  return JSON.stringify(value, encode, indent);
}
