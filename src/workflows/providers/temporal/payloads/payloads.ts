/**
 * Lua values as Temporal's payloads. Workers in other languages read most of them: text, numbers and tables are JSON,
 * bytes are bytes, nil is null. What JSON would change (integers beyond 2^53, tables with mixed keys, tables that hold
 * themselves, errors) has an encoding of its own, {@link packedEncoding}.
 * @module
 */
import type { temporal } from "../messages/messages.ts";
import { pack, unpack } from "../../../../vm/codec.ts";
import { WippyError } from "../../../../vm/error.ts";
import { envelope, valueLimits } from "../../../../vm/limits.ts";
import { nestsDeeper } from "../../../../vm/json.ts";
import type { LuaValue } from "../../../../vm/value.ts";
import type { Failure } from "../../../engine/outcome.ts";
import type { Conversion, WorkflowTypes } from "../conversion.ts";
import { encryptedEncoding, type PayloadCodec } from "./codec.ts";
import { readFailure, type TemporalFailure, writeFailure } from "./failures.ts";
import { exactJson, readExactJson } from "./json.ts";

type Payload = temporal.api.common.v1.IPayload;

/** The encoding of values in the form of this program's own journals: MessagePack with extension types. */
export const packedEncoding = "binary/wippy";

const encoder = new TextEncoder();
const lenient = new TextDecoder();
const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

const encodings = {
  null: { encoding: encoder.encode("binary/null") },
  json: { encoding: encoder.encode("json/plain") },
  bytes: { encoding: encoder.encode("binary/plain") },
  packed: { encoding: encoder.encode(packedEncoding) },
};

const idsAsTypes: WorkflowTypes = { typeOf: (entry) => entry, entryOf: (type) => type };

/** Converts values and failures in both directions, by way of a codec if there is one. */
export class PayloadConverter implements Conversion {
  readonly #codec: PayloadCodec | undefined;

  /** @param types @default workflows are called by the ids of their entries */
  constructor(codec?: PayloadCodec, readonly types: WorkflowTypes = idsAsTypes) {
    this.#codec = codec;
  }

  /** A value as a payload. */
  payload(value: LuaValue): Payload {
    const plain = plainPayload(value);
    return this.#codec ? this.#codec.encode(plain) : plain;
  }

  /**
   * The value of a payload, ours or another SDK's.
   *
   * @throws WippyError Invalid for an encoding that is not known, for a damaged one, and for an encrypted one without
   *   its key
   */
  value(payload: Payload): LuaValue {
    if (encodingOf(payload) !== encryptedEncoding) return plainValue(payload);
    if (this.#codec) return plainValue(this.#codec.decode(payload));
    throw new WippyError(
      "Invalid",
      "the payload is encrypted and no key is configured; hint: set payload_codec.key of the temporal.client",
      { retryable: false },
    );
  }

  /** A failure as Temporal has it: an application failure whose type is the kind. */
  failure(failure: Failure): TemporalFailure {
    return writeFailure(failure, (value) => this.payload(value), this.#codec !== undefined);
  }

  /** The failure that Temporal, or a worker in another language, reports. */
  ofFailure(failure: TemporalFailure): Failure {
    return readFailure(failure, (payload) => this.value(payload));
  }
}

/** The name of a payload's encoding; "" when it has none. */
export function encodingOf({ metadata }: Payload): string {
  const encoding = metadata?.["encoding"];
  return encoding ? lenient.decode(encoding) : "";
}

function plainPayload(value: LuaValue): Payload {
  if (value === undefined || value === null) return { metadata: encodings.null };
  if (value instanceof Uint8Array) return { metadata: encodings.bytes, data: value };
  const json = exactJson(value);
  return json === undefined
    ? { metadata: encodings.packed, data: pack(value) }
    : { metadata: encodings.json, data: encoder.encode(json) };
}

function plainValue(payload: Payload): LuaValue {
  const { data } = payload;
  const encoding = encodingOf(payload);
  switch (encoding) {
    case "binary/null":
      return undefined;
    case "json/plain":
    case "json/protobuf":
      return readJson(data ?? new Uint8Array());
    case "binary/plain":
      return textOf(data ?? new Uint8Array());
    case packedEncoding:
      return unpack(data ?? new Uint8Array());
    default:
      throw new WippyError(
        "Invalid",
        `the payload has the encoding "${encoding}", which this program does not know; ` +
          `it reads json/plain, json/protobuf, binary/plain, binary/null and ${packedEncoding}`,
        { retryable: false },
      );
  }
}

function readJson(data: Uint8Array): LuaValue {
  let text: string;
  try {
    text = strict.decode(data);
  } catch (error) {
    throw damaged("is not UTF-8", error);
  }
  const most = valueLimits.depth + envelope.depth;
  if (data.length > 2 * most && nestsDeeper(text, most)) {
    throw damaged(`nests deeper than ${valueLimits.depth} levels`);
  }
  try {
    const value = readExactJson(text);
    return value === null ? undefined : value;
  } catch (error) {
    throw damaged(`is damaged: ${(error as Error).message}`, error);
  }
}

function damaged(why: string, cause?: unknown): WippyError {
  return new WippyError("Invalid", `the JSON of the payload ${why}`, { retryable: false, cause });
}

/** Bytes as Lua has strings: text where they are UTF-8. */
function textOf(data: Uint8Array): LuaValue {
  try {
    return strict.decode(data);
  } catch {
    // A copy: what was received is a view of a whole message.
    return new Uint8Array(data);
  }
}
