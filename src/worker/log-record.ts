import type { LogRecord } from "../observe/log.ts";
import { textOfBytes } from "../vm/byte-text.ts";
import type { LuaValue } from "../vm/value.ts";

/** Returns the record of a log call, or of printed text, which has no fields. */
export function logRecord(
  time: number,
  level: LuaValue,
  logger: LuaValue,
  message: LuaValue,
  fields: LuaValue,
  source: { pid: LuaValue; location: LuaValue },
): LogRecord {
  const text = message instanceof Uint8Array ? message : String(message);
  return {
    level: String(level) as LogRecord["level"],
    time,
    logger: String(logger),
    message: textOfBytes(text),
    fields: { ...(fields as Record<string, unknown> | undefined), ...source },
    ...(fields === undefined && { print: text }),
  };
}
