import { temporal } from "@temporalio/proto";
import { WippyError } from "../../../../vm/error.ts";
import type { Payload as Packed } from "../../../payload.ts";
import { writeAttributes } from "../history/attributes.ts";
import type { ClientContext } from "./client.ts";

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

/**
 * Sends a request with search attributes. Attributes that the server does not know are added, if that is enabled;
 * otherwise the error describes how to add them.
 */
export async function knownAttributes<Value>(
  { connection, addSearchAttributes }: ClientContext,
  attributes: Packed | undefined,
  request: () => Promise<Value>,
): Promise<Value> {
  for (let end = 0;;) {
    try {
      return await request();
    } catch (error) {
      const { kind, message } = WippyError.from(error);
      const unknown = kind === "Invalid" && /search attribute|no mapping/i.test(message);
      if (!attributes || !unknown || (end > 0 && Date.now() > end)) throw error;
      if (!addSearchAttributes) throw hinted(error, message, attributes);
      if (end === 0) await connection.addSearchAttributes(wanted(attributes));
      end ||= Date.now() + spreading;
      await Bun.sleep(pause);
    }
  }
}

function typeNames(attributes: Packed): [name: string, type: string][] {
  return Object.entries(writeAttributes(attributes)).map(([name, { metadata }]) => [
    name,
    new TextDecoder().decode(metadata?.["type"]),
  ]);
}

function wanted(attributes: Packed): Record<string, number> {
  return Object.fromEntries(typeNames(attributes).map(([name, type]) => [name, types[type] ?? 0]));
}

function hinted(error: unknown, message: string, attributes: Packed): WippyError {
  const options = typeNames(attributes).map(([name, type]) => `--name ${name} --type ${type}`);
  return new WippyError(
    "Invalid",
    `${message}; hint: add it with "temporal operator search-attribute create ${
      options.join(" ")
    }", or set add_search_attributes of the temporal.client`,
    { retryable: false, cause: error },
  );
}
