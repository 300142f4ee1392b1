import { parseDuration } from "../../../registry/duration.ts";
import { WippyError } from "../../../vm/error.ts";
import { readForeignJson } from "../../../vm/json.ts";
import type { LuaValue } from "../../../vm/value.ts";

/** What a function or a message says about a connection; what is absent stays as it is. */
export interface RelaySettings {
  /** "" ends the relation to a target. */
  target?: string;
  topic?: string;
  /** Milliseconds; 0: none. */
  heartbeat?: number;
  idle?: number;
  hard?: number;
  metadata?: LuaValue;
}

function invalid(message: string): WippyError {
  return new WippyError("Invalid", message, { retryable: false });
}

/** Whether a text has the form of a PID. */
export function isPid(text: string): boolean {
  return /^\{[^|]*\|.+\}$/s.test(text);
}

function textOf(table: Record<string, LuaValue>, field: string): string | undefined {
  const value = table[field];
  if (value === undefined || value === null) return undefined;
  if (typeof value === "string") return value;
  throw invalid(`${field} must be text`);
}

/** Milliseconds. @param strict whether a wrong duration is an error; else it is left out */
function timeOf(
  table: Record<string, LuaValue>,
  field: string,
  strict: boolean,
): number | undefined {
  const text = strict ? textOf(table, field) : table[field];
  if (typeof text !== "string" || text === "") return undefined;
  const time = parseDuration(text);
  if (time !== undefined && time >= 0) return time;
  if (strict) throw invalid(`${field}: bad duration ${JSON.stringify(text)}; write it like "30s"`);
  return undefined;
}

/**
 * Reads the settings of a table.
 *
 * @param strict whether a wrong duration is an error
 * @throws WippyError Invalid
 */
export function settingsOf(value: LuaValue, strict: boolean): RelaySettings {
  const isTable = typeof value === "object" && value !== null && !Array.isArray(value) &&
    !(value instanceof Uint8Array) && !(value instanceof WippyError);
  if (!isTable) throw invalid("a table of settings is expected");
  const table = value as Record<string, LuaValue>;
  const target = textOf(table, "target_pid");
  if (target !== undefined && target !== "" && !isPid(target)) {
    throw invalid(`target_pid: ${JSON.stringify(target)} is no PID`);
  }
  const topic = textOf(table, "message_topic");
  const metadata = table["metadata"];
  const heartbeat = timeOf(table, "heartbeat_interval", strict);
  const idle = timeOf(table, "idle_timeout", strict);
  const hard = timeOf(table, "hard_timeout", strict);
  return {
    ...(target !== undefined && { target }),
    ...(topic !== undefined && { topic }),
    ...(heartbeat !== undefined && { heartbeat }),
    ...(idle !== undefined && { idle }),
    ...(hard !== undefined && { hard }),
    ...(metadata !== undefined && metadata !== null && { metadata }),
  };
}

/** Reads the settings of a header. @throws WippyError Invalid */
export function headerSettings(text: string, strict: boolean): RelaySettings {
  return settingsOf(readForeignJson(Buffer.from(text, "latin1").toString(), "the header"), strict);
}
