/**
 * Histories as JSON, as the Temporal Web UI and command line export them.
 * @module
 */
import { temporal } from "../messages/messages.ts";
import { readForeignJson } from "../../../../vm/json.ts";
import { WippyError } from "../../../../vm/error.ts";
import type { LuaValue } from "../../../../vm/value.ts";
import type { TemporalEvent } from "../proto.ts";
import type { Conversion } from "../conversion.ts";
import { PayloadConverter } from "../payloads/payloads.ts";

/** Types of a message's fields. Those of histories have it: see `scripts/temporal-messages.ts`. */
interface MessageType {
  typeName: string;
  fields(): Record<string, readonly [rule: "one" | "list" | "map", type: FieldType]>;
  create(fields: Json): unknown;
}

/** The name of a scalar type, a message, or the numbers of an enum by name. */
type FieldType = string | MessageType | Record<string, number>;

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
    const { events } = ofMessage(type, found) as temporal.api.history.v1.History;
    return events as TemporalEvent[];
  } catch (error) {
    throw bad((error as Error).message);
  }
}

/** A message of what JSON says of its fields. */
function ofMessage(type: MessageType, json: Json): unknown {
  const read: Json = {};
  for (const [name, [rule, of]] of Object.entries(type.fields())) {
    const value = json[name];
    if (value === undefined || value === null) continue;
    if (rule === "map" && isTable(value)) {
      read[name] = Object.fromEntries(
        Object.entries(value).map(([key, item]) => [key, ofValue(of, item, name)]),
      );
    } else if (rule === "list" && Array.isArray(value)) {
      read[name] = value.map((item) => ofValue(of, item, name));
    } else read[name] = ofValue(of, value, name);
  }
  return type.create(read);
}

function ofValue(type: FieldType, value: unknown, field: string): unknown {
  if (typeof type === "string") return scalar(type, value, field);
  if (!isMessage(type)) return typeof value === "string" ? enumNumber(type, value) : value;
  switch (type.typeName) {
    case "google.protobuf.Timestamp":
      return type.create(typeof value === "string" ? instant(value, field) : value as Json);
    case "google.protobuf.Duration":
      return type.create(typeof value === "string" ? duration(value, field) : value as Json);
    case "temporal.api.common.v1.Payload":
      return ofPayload(type, value);
    case "temporal.api.common.v1.Payloads":
      return type.create({
        payloads: payloads(value).map((item) =>
          ofValue(type.fields()["payloads"]![1], item, field)
        ),
      });
    default:
      return isTable(value) ? ofMessage(type, value) : value;
  }
}

function isMessage(type: MessageType | Record<string, number>): type is MessageType {
  return typeof type["fields"] === "function";
}

/** Bytes are in base64, and whole numbers of 64 bits are text. */
function scalar(type: string, value: unknown, field: string): unknown {
  switch (type) {
    case "bytes":
      return typeof value === "string" ? Buffer.from(value, "base64") : value;
    case "string":
      return String(value);
    case "bool":
      return Boolean(value);
    default: {
      const number = Number(value);
      if (Number.isNaN(number)) throw new Error(`${field} is not a number: ${String(value)}`);
      return number;
    }
  }
}

/** `WorkflowExecutionStarted` as `EVENT_TYPE_WORKFLOW_EXECUTION_STARTED`, by its number. */
function enumNumber(values: Record<string, number>, name: string): number {
  const words = name.replace(/(?<=[a-z0-9])(?=[A-Z])/g, "_").toUpperCase();
  const found = name in values
    ? name
    : Object.keys(values).find((known) => known.endsWith(`_${words}`));
  if (found === undefined) throw new Error(`${name} is not known`);
  return values[found]!;
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

function ofPayload(type: MessageType, value: unknown): unknown {
  if (isTable(value) && isTable(value["metadata"]) && "encoding" in value["metadata"]) {
    return ofMessage(type, value);
  }
  return plain.payload(value as LuaValue);
}

function isTable(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
