/**
 * Histories as JSON, as the Temporal Web UI and command line export them.
 * @module
 */
import { temporal } from "@temporalio/proto";
import { readForeignJson } from "../../../../vm/json.ts";
import { WippyError } from "../../../../vm/error.ts";
import type { LuaValue } from "../../../../vm/value.ts";
import type { TemporalEvent } from "../proto.ts";
import type { Conversion } from "../conversion.ts";
import { PayloadConverter } from "../payloads/payloads.ts";

/** The used part of a message's description. */
interface MessageType {
  fullName: string;
  fieldsArray: MessageField[];
  fromObject(object: Record<string, unknown>): unknown;
}

interface MessageField {
  name: string;
  type: string;
  repeated: boolean;
  map: boolean;
  resolvedType: MessageType | EnumType | null;
  resolve(): unknown;
}

interface EnumType {
  values: Record<string, number>;
}

type Json = Record<string, unknown>;

/** Writes values that the command line shows in short: as what they are instead of as payloads. */
const plain: Pick<Conversion, "payload"> = new PayloadConverter();

/**
 * Reads an exported history: an object with `events`, or with `history.events`.
 *
 * @param name of the file, for messages
 * @throws WippyError Invalid when it is not one
 */
export function readHistoryJson(text: string, name: string): TemporalEvent[] {
  const bad = (why: string) =>
    new WippyError("Invalid", `${name} is not a history of Temporal: ${why}`, { retryable: false });
  let json: unknown;
  try {
    json = readForeignJson(text, "it");
  } catch (error) {
    throw bad((error as Error).message);
  }
  const found = isTable(json) && isTable(json["history"]) ? json["history"] : json;
  if (!isTable(found) || !Array.isArray(found["events"]) || found["events"].length === 0) {
    throw bad("it has no list of events");
  }
  const type = temporal.api.history.v1.History as object as MessageType;
  try {
    const { events } = type.fromObject(ofMessage(type, found)) as temporal.api.history.v1.History;
    return events as TemporalEvent[];
  } catch (error) {
    throw bad((error as Error).message);
  }
}

/** The fields of a message as protobuf.js reads them: times as seconds, names of enums in full. */
function ofMessage(type: MessageType, json: Json): Json {
  const read: Json = {};
  for (const field of type.fieldsArray) {
    const value = json[field.name];
    if (value === undefined || value === null) continue;
    field.resolve();
    if (field.map && isTable(value)) {
      read[field.name] = Object.fromEntries(
        Object.entries(value).map(([key, item]) => [key, ofValue(field, item)]),
      );
    } else if (field.repeated && Array.isArray(value)) {
      read[field.name] = value.map((item) => ofValue(field, item));
    } else read[field.name] = ofValue(field, value);
  }
  return read;
}

function ofValue({ resolvedType: type, name }: MessageField, value: unknown): unknown {
  if (!type) return typeof value === "bigint" ? String(value) : value;
  if ("values" in type) return typeof value === "string" ? enumName(type, value) : value;
  switch (type.fullName) {
    case ".google.protobuf.Timestamp":
      return typeof value === "string" ? instant(value, name) : value;
    case ".google.protobuf.Duration":
      return typeof value === "string" ? duration(value, name) : value;
    case ".temporal.api.common.v1.Payload":
      return payload(value);
    case ".temporal.api.common.v1.Payloads":
      return { payloads: payloads(value).map(payload) };
    default:
      return isTable(value) ? ofMessage(type, value) : value;
  }
}

/** `WorkflowExecutionStarted` as `EVENT_TYPE_WORKFLOW_EXECUTION_STARTED`. */
function enumName({ values }: EnumType, name: string): string {
  if (name in values) return name;
  const words = name.replace(/(?<=[a-z0-9])(?=[A-Z])/g, "_").toUpperCase();
  const found = Object.keys(values).find((known) => known.endsWith(`_${words}`));
  if (found === undefined) throw new Error(`${name} is not known`);
  return found;
}

function instant(text: string, field: string): Json {
  const milliseconds = Date.parse(text);
  if (Number.isNaN(milliseconds)) throw new Error(`${field} is not a time: ${text}`);
  const seconds = Math.floor(milliseconds / 1_000);
  const [, fraction = ""] = /\.(\d{1,9})/.exec(text) ?? [];
  return { seconds, nanos: Number(fraction.padEnd(9, "0")) };
}

function duration(text: string, field: string): Json {
  const [whole, seconds = "", fraction = ""] = /^(\d+)(?:\.(\d{1,9}))?s$/.exec(text) ?? [];
  if (whole === undefined) throw new Error(`${field} is not a duration: ${text}`);
  return { seconds: Number(seconds), nanos: Number(fraction.padEnd(9, "0")) };
}

function payloads(value: unknown): unknown[] {
  if (Array.isArray(value)) return value;
  return isTable(value) && Array.isArray(value["payloads"]) ? value["payloads"] : [];
}

function payload(value: unknown): unknown {
  if (isTable(value) && isTable(value["metadata"]) && "encoding" in value["metadata"]) return value;
  return plain.payload(value as LuaValue);
}

function isTable(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
