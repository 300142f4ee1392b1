import { textOfBytes } from "./byte-text.ts";
import { WippyError } from "./error.ts";
import { STATUS } from "./exports.ts";
import type { LuaValue } from "./value.ts";

/** What the message handler saw where an error was raised. */
export interface RaisedFailure {
  /** "app:thing:12", of the innermost function of Lua code. */
  readonly position: string | undefined;
  readonly traceback: string;
}

/**
 * The WippyError of a Lua error: an Error object as it is, any other value as kind Internal. What
 * the message handler saw is added; out of memory it saw nothing.
 */
export function raisedError(
  status: number,
  value: LuaValue,
  seen: RaisedFailure | undefined,
): WippyError {
  if (status === STATUS.memory) {
    return new WippyError("Unavailable", "not enough memory in the Lua VM");
  }
  const luaStack = seen?.traceback;
  if (value instanceof WippyError) {
    return new WippyError(value.kind, value.message, {
      retryable: value.retryable,
      details: value.details,
      position: value.position ?? seen?.position,
      luaStack: value.luaStack ?? luaStack,
    });
  }
  const message = typeof value === "string" || value instanceof Uint8Array
    ? textOfBytes(value)
    : `(error of type ${luaType(value)})`;
  return new WippyError("Internal", message, {
    position: positionOf(message) ?? seen?.position,
    luaStack,
  });
}

/** The position that a message of Lua starts with: "app:thing:12". */
export function positionOf(message: string): string | undefined {
  return /^(\S+?:\d+): /.exec(message)?.[1];
}

function luaType(value: LuaValue): string {
  switch (typeof value) {
    case "undefined":
      return "nil or function";
    case "bigint":
      return "number";
    case "object":
      return value === null ? "nil" : "table";
    default:
      return typeof value;
  }
}
