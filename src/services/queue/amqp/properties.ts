/**
 * The headers of a message as the properties of AMQP, and back.
 * @module
 */
import type { MessageProperties, Options } from "amqplib";
import { WippyError } from "../../../vm/error.ts";
import { LuaFloat } from "../../../vm/value.ts";
import type { Headers, HeaderValue, Message } from "../driver.ts";

/** Header in which a message that is published again carries how often it was delivered. */
export const attemptsHeader = "x-wippy-attempts";

const texts = {
  correlation_id: "correlationId",
  reply_to: "replyTo",
  message_type: "type",
  content_type: "contentType",
  encoding: "contentEncoding",
  "amqp.content_encoding": "contentEncoding",
} as const;

function plain(value: HeaderValue): unknown {
  if (value instanceof LuaFloat) return value.value;
  if (value instanceof Uint8Array) return Buffer.from(value);
  // The library has no 64-bit integers; a larger one goes as text.
  return typeof value === "bigint" ? String(value) : value;
}

/** What each header that is a number may be at most. */
const most = {
  timestamp: Number.MAX_SAFE_INTEGER,
  "amqp.priority": 255,
  "amqp.expiration": 0xffff_ffff,
  "amqp.delivery_mode": 2,
  "amqp.x_delay": 0xffff_ffff,
};

/**
 * A header that is a whole number, as a number or as text.
 *
 * @throws WippyError Invalid: a broker closes the channel of all messages over a wrong one
 */
function number(name: keyof typeof most, value: HeaderValue): number {
  const given = plain(value);
  const result = typeof given === "number" || typeof given === "string" && /^\d+$/.test(given)
    ? Number(given)
    : Number.NaN;
  if (Number.isInteger(result) && result >= 0 && result <= most[name]) return result;
  const message = `header ${name} must be a whole number from 0 to ${most[name]}`;
  throw new WippyError("Invalid", message, { retryable: false });
}

/** What is published beside the body. @throws WippyError Invalid for a header that AMQP does not take */
export function propertiesOf(
  { id, headers }: Pick<Message, "id" | "headers">,
  contentType: string,
  expiration: number | undefined,
): Options.Publish {
  const options: Options.Publish = {
    messageId: id,
    contentType,
    persistent: true,
    // A message for which the broker has no queue is a failure, and not lost.
    mandatory: true,
    ...(expiration !== undefined && { expiration: String(Math.ceil(expiration)) }),
  };
  const others: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (name in texts) options[texts[name as keyof typeof texts]] = String(plain(value));
    else if (name === "timestamp") options.timestamp = number(name, value);
    else if (name === "amqp.priority") options.priority = number(name, value);
    else if (name === "amqp.expiration") options.expiration = String(number(name, value));
    else if (name === "amqp.delivery_mode") options.persistent = number(name, value) !== 1;
    else if (name === "amqp.mandatory") options.mandatory = value === true || value === "true";
    else if (name === "amqp.x_delay") others["x-delay"] = number(name, value);
    else others[name] = plain(value);
  }
  return { ...options, headers: others };
}

function headerOf(value: unknown): HeaderValue | undefined {
  if (typeof value === "string" || typeof value === "boolean" || typeof value === "bigint") {
    return value;
  }
  if (typeof value === "number") return value;
  if (value instanceof Uint8Array) return new Uint8Array(value);
  // Tables and lists of the broker, such as x-death.
  return value === undefined || value === null ? undefined : JSON.stringify(value);
}

/** The headers of a message that the broker has delivered. */
export function headersOf(properties: MessageProperties): Headers {
  const headers: Headers = {};
  const put = (name: string, value: unknown) => {
    const header = headerOf(value);
    if (header !== undefined) headers[name] = header;
  };
  for (const [name, value] of Object.entries(properties.headers ?? {})) {
    if (name === "x-delay") put("amqp.x_delay", value);
    else if (name !== attemptsHeader) put(name, value);
  }
  for (const [name, property] of Object.entries(texts)) {
    if (!name.startsWith("amqp.")) put(name, properties[property]);
  }
  put("timestamp", properties.timestamp);
  put("amqp.priority", properties.priority);
  put("amqp.expiration", properties.expiration);
  put("amqp.delivery_mode", properties.deliveryMode);
  return headers;
}

/** Which delivery of a message this is, from 1. */
export function attemptOf({ headers = {} }: Partial<MessageProperties>): number {
  const ours = Number(headers?.[attemptsHeader] ?? 0);
  // Quorum queues count deliveries that ended with a connection, too.
  const theirs = Number(headers?.["x-delivery-count"] ?? 0);
  return 1 + Math.max(Number.isFinite(ours) ? ours : 0, Number.isFinite(theirs) ? theirs : 0);
}
