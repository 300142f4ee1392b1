import type { WippyError } from "../vm/error.ts";
import { LuaFloat, type LuaValue } from "../vm/value.ts";

/** How a process on a terminal host ended. */
export type TerminalResult = { value: LuaValue } | { error: WippyError };

interface Streams {
  out: { write(text: string | Uint8Array): unknown };
  err: { write(text: string | Uint8Array): unknown };
}

/**
 * Returns the exit status that a result stands for, and writes a result that is text or an error.
 * The rules are in docs/reference/command-line.md#exit-status.
 */
export function exitStatus(result: TerminalResult, { out, err }: Streams): number {
  if ("error" in result) {
    err.write(`${withoutRepeatedPrefix(result.error.message)}\n`);
    return 1;
  }
  const value = result.value instanceof LuaFloat ? result.value.value : result.value;
  if (typeof value === "string" || value instanceof Uint8Array) {
    out.write(value);
    out.write("\n");
    return 0;
  }
  if (typeof value === "number") return Number.isFinite(value) ? Math.trunc(value) & 255 : 1;
  if (typeof value === "bigint") return Number(value & 255n);
  if (typeof value === "boolean") return value ? 0 : 1;
  return 0;
}

/** `a: a: text` is `a: text`: wrapping the same error twice says nothing new. */
function withoutRepeatedPrefix(text: string): string {
  const match = /^([^:]+: )\1/.exec(text);
  return match ? text.slice(match[1]!.length) : text;
}
