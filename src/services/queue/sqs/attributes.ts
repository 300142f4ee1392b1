/**
 * The headers of a message as attributes of SQS, and back.
 * @module
 */
import { WippyError } from "../../../vm/error.ts";
import { LuaFloat } from "../../../vm/value.ts";
import type { Headers, HeaderValue, Message } from "../driver.ts";

/** A message attribute as SQS has it. */
export interface Attribute {
  DataType: string;
  StringValue?: string;
  BinaryValue?: string;
}

/** Attribute with the id of the message, since SQS gives each message one of its own. */
const idAttribute = "x_message_id";
/** Attributes that SQS takes with a message. */
const mostAttributes = 10;

/** What `SendMessage` takes beside the body. */
export interface Sent {
  MessageAttributes: Record<string, Attribute>;
  DelaySeconds?: number;
  MessageGroupId?: string;
  MessageDeduplicationId?: string;
}

function attributeOf(value: HeaderValue): Attribute {
  if (value instanceof Uint8Array) {
    return { DataType: "Binary", BinaryValue: Buffer.from(value).toString("base64") };
  }
  if (typeof value === "boolean") return { DataType: "String.boolean", StringValue: `${value}` };
  // SQS takes no empty value.
  if (value === "") return { DataType: "String.empty", StringValue: "-" };
  if (typeof value === "string") return { DataType: "String", StringValue: value };
  if (value instanceof LuaFloat) return { DataType: "Number.float", StringValue: `${value.value}` };
  return { DataType: "Number", StringValue: String(value) };
}

function valueOf({ DataType, StringValue = "", BinaryValue = "" }: Attribute): HeaderValue {
  const [type, label] = DataType.split(".");
  if (type === "Binary") return new Uint8Array(Buffer.from(BinaryValue, "base64"));
  if (label === "boolean") return StringValue === "true";
  if (label === "empty") return "";
  if (type !== "Number") return StringValue;
  if (label === "float") return new LuaFloat(Number(StringValue));
  if (/^-?\d{1,18}$/.test(StringValue)) {
    const number = Number(StringValue);
    return Number.isSafeInteger(number) ? number : BigInt(StringValue);
  }
  return Number(StringValue);
}

function text(value: HeaderValue): string {
  return String(value instanceof LuaFloat ? value.value : value);
}

/** @throws WippyError Invalid for more headers than SQS takes, a delay that is too long */
export function sentOf({ id, headers }: Pick<Message, "id" | "headers">, delay: number): Sent {
  const sent: Sent = { MessageAttributes: { [idAttribute]: attributeOf(id) } };
  if (delay > 0) sent.DelaySeconds = Math.ceil(delay / 1000);
  for (const [name, value] of Object.entries(headers)) {
    if (name === "sqs.delay_seconds") sent.DelaySeconds = Number(text(value));
    else if (name === "sqs.message_group_id") sent.MessageGroupId = text(value);
    else if (name === "sqs.message_deduplication_id") sent.MessageDeduplicationId = text(value);
    else sent.MessageAttributes[name] = attributeOf(value);
  }
  const count = Object.keys(sent.MessageAttributes).length;
  if (count > mostAttributes) {
    const message = `SQS takes ${mostAttributes} attributes, and the id is one; got ${count}`;
    throw new WippyError("Invalid", message, { retryable: false });
  }
  if ((sent.DelaySeconds ?? 0) > 900) {
    throw new WippyError("Invalid", "SQS delays a message for 15 minutes at most", {
      retryable: false,
    });
  }
  return sent;
}

/** The id and the headers of a message that was received. */
export function receivedOf(
  messageId: string,
  attributes: Record<string, Attribute> = {},
  system: Record<string, string> = {},
): Pick<Message, "id" | "headers"> {
  const headers: Headers = {};
  for (const [name, attribute] of Object.entries(attributes)) headers[name] = valueOf(attribute);
  const { [idAttribute]: id, ...others } = headers;
  const { MessageGroupId: group, MessageDeduplicationId: deduplication } = system;
  return {
    id: typeof id === "string" ? id : messageId,
    headers: {
      ...others,
      ...(group !== undefined && { "sqs.message_group_id": group }),
      ...(deduplication !== undefined && { "sqs.message_deduplication_id": deduplication }),
    },
  };
}
