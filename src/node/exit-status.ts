import type { WippyError } from "../vm/error.ts";
import { LuaFloat, type LuaValue } from "../vm/value.ts";
import { framesOf } from "./source-places.ts";

/** How a process on a terminal host ended. */
export type TerminalResult = { value: LuaValue } | { error: WippyError };

interface Streams {
  out: { write(text: string | Uint8Array): unknown };
  err: { write(text: string | Uint8Array): unknown };
}

/**
 * Returns the exit status that a result stands for, and writes a result that is text or an error.
 * The rules are in docs/reference/command-line.md#exit-status.
 *
 * @param traces whether the traceback of a raised error is written below its text
 */
export function exitStatus(
  result: TerminalResult,
  { out, err }: Streams,
  traces = false,
): number {
  if ("error" in result) {
    const { message, luaStack } = result.error;
    err.write(`${withoutRepeatedPrefix(message)}\n${traces ? traceback(luaStack) : ""}`);
    return 1;
  }
  const value = result.value instanceof LuaFloat ? result.value.value : result.value;
  if (typeof value === "string" || value instanceof Uint8Array) {
    out.write(value);
    out.write("\n");
    return 0;
  }
  if (typeof value === "number" || typeof value === "bigint") return statusOf(value);
  if (typeof value === "boolean") return value ? 0 : 1;
  return 0;
}

const highestStatus = 255;

/**
 * Returns the exit status of a number: the number without its fraction; 1 for what is not finite. One that does not fit
 * into eight bits is 255, so that no failure looks like a success.
 */
export function statusOf(value: number | bigint): number {
  if (typeof value === "number" && !Number.isFinite(value)) return 1;
  const whole = typeof value === "number" ? Math.trunc(value) : value;
  return whole >= 0 && whole <= highestStatus ? Number(whole) : highestStatus;
}

const tracebackHeader = "stack traceback:";

/** The program's frames in the traceback of a raised error; empty for an error that was returned. */
function traceback(stack = ""): string {
  const begin = stack.indexOf(tracebackHeader);
  const frames = begin < 0 ? [] : framesOf(stack.slice(begin));
  return frames.length === 0 ? "" : `${[tracebackHeader, ...frames].join("\n\t")}\n`;
}

/** `a: a: text` is `a: text`: wrapping the same error twice says nothing new. */
function withoutRepeatedPrefix(text: string): string {
  const match = /^([^:]+: )\1/.exec(text);
  return match ? text.slice(match[1]!.length) : text;
}
