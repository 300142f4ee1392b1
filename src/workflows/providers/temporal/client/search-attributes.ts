import { temporal } from "../messages/messages.ts";
import { WippyError } from "../../../../vm/error.ts";
import type { Payload as Packed } from "../../../payload.ts";
import type { Connection } from "../connection/connection.ts";
import { writeAttributes } from "../history/attributes.ts";
import { changeVersionAttribute } from "../names.ts";
import type { Payload, TemporalCommand } from "../proto.ts";

const { IndexedValueType: Type } = temporal.api.enums.v1;

const types: Readonly<Record<string, number>> = {
  Bool: Type.INDEXED_VALUE_TYPE_BOOL,
  Keyword: Type.INDEXED_VALUE_TYPE_KEYWORD,
  KeywordList: Type.INDEXED_VALUE_TYPE_KEYWORD_LIST,
  Int: Type.INDEXED_VALUE_TYPE_INT,
  Double: Type.INDEXED_VALUE_TYPE_DOUBLE,
};

/** Milliseconds until all parts of the server know an added attribute. */
const spreading = 65_000;
const pause = 500;

type Fields = Readonly<Record<string, Payload>>;

/** What is known of the namespace's attributes, and whether it may be changed. */
export interface AttributesContext {
  connection: Connection;
  /** Add search attributes that the server does not know. */
  addSearchAttributes: boolean;
}

/**
 * Sends a request with search attributes. Attributes that the server does not know are added, if that is enabled;
 * otherwise the error describes how to add them.
 */
export async function knownAttributes<Value>(
  context: AttributesContext,
  attributes: Packed | undefined,
  request: () => Promise<Value>,
): Promise<Value> {
  if (!attributes) return await request();
  for (let end = 0;;) {
    try {
      return await request();
    } catch (error) {
      if (!isUnknown(error) || (end > 0 && Date.now() > end)) throw error;
      const fields = writeAttributes(attributes);
      if (!context.addSearchAttributes) throw hinted(error, fields);
      if (end === 0) await add(context, error, fields);
      end ||= Date.now() + spreading;
      await Bun.sleep(pause);
    }
  }
}

/**
 * Returns the error of a workflow task that the server has refused. Where it did so for search attributes that it does
 * not know, they are added if that is wanted, for the next attempt; else the error says how to add them.
 */
export async function refusedAttributes(
  context: AttributesContext,
  commands: readonly TemporalCommand[],
  error: unknown,
): Promise<unknown> {
  const fields = attributesOf(commands);
  if (!isUnknown(error) || Object.keys(fields).length === 0) return error;
  if (!context.addSearchAttributes) return hinted(error, fields);
  try {
    await add(context, error, fields);
  } catch (refusal) {
    return refusal;
  }
  const names = Object.keys(fields).join(", ");
  const message = `the namespace did not have all of the search attributes ${names}; now it has`;
  return new WippyError("Unavailable", message, { retryable: true, cause: error });
}

/** Adds attributes to the namespace. @param unknown the server's error for them */
async function add({ connection }: AttributesContext, unknown: unknown, fields: Fields) {
  try {
    await connection.addSearchAttributes(wanted(fields));
  } catch (error) {
    const { kind, message, retryable } = WippyError.from(error);
    // Another runtime was first.
    if (kind === "AlreadyExists") return;
    throw new WippyError(kind, `${WippyError.from(unknown).message}; ${message}`, {
      retryable,
      cause: error,
    });
  }
}

/** Those that commands set. */
function attributesOf(commands: readonly TemporalCommand[]): Fields {
  const found: Record<string, Payload> = {};
  for (const command of commands) {
    const { searchAttributes } = command.upsertWorkflowSearchAttributesCommandAttributes ??
      command.startChildWorkflowExecutionCommandAttributes ?? {};
    Object.assign(found, searchAttributes?.indexedFields);
  }
  delete found[changeVersionAttribute];
  return found;
}

function isUnknown(error: unknown): boolean {
  const { kind, message } = WippyError.from(error);
  return kind === "Invalid" && /search attribute|no mapping/i.test(message);
}

function typeNames(fields: Fields): [name: string, type: string][] {
  return Object.entries(fields).map(([name, { metadata }]) => [
    name,
    new TextDecoder().decode(metadata?.["type"]),
  ]);
}

function wanted(fields: Fields): Record<string, number> {
  return Object.fromEntries(typeNames(fields).map(([name, type]) => [name, types[type] ?? 0]));
}

function hinted(error: unknown, fields: Fields): WippyError {
  const options = typeNames(fields).map(([name, type]) => `--name ${name} --type ${type}`);
  return new WippyError(
    "Invalid",
    `${
      WippyError.from(error).message
    }; hint: add it with "temporal operator search-attribute create ${
      options.join(" ")
    }", or set add_search_attributes of the temporal.client`,
    { retryable: false, cause: error },
  );
}
