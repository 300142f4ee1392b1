/**
 * What a storage does with its objects.
 * @module
 */
import { createHash } from "node:crypto";
import { WippyError } from "../../vm/error.ts";
import { asLua, type LuaValue } from "../../vm/value.ts";
import type * as zod from "zod";
import type { OperationContext } from "../operation.ts";
import { type Answer, hiddenFailure, send, type Sending } from "./client.ts";
import { limitOf, type listing, type reading, timeoutOf } from "./options.ts";
import { checkKey, type Storage } from "./storage.ts";
import { element, elements, textOf } from "./xml.ts";

/** Bytes of a list of 1000 objects at most. */
const longestList = 16 * 1024 * 1024;
/** What S3 deletes at once. */
const mostDeleted = 1000;
const metadata = /^X-Amz-Meta-/;

/** Keys and prefixes of a list are encoded, as XML cannot hold every character. */
function decoded(text: string): string {
  return decodeURIComponent(text.replaceAll("+", " "));
}

/** An ETag without its quotes. */
export function plainTag(etag: string): string {
  return etag.replace(/^"(.*)"$/, "$1");
}

/** What is known of an object from the headers of a response. */
export function described(key: string, { headers }: Answer): Record<string, LuaValue> {
  const range = headers["Content-Range"];
  const total = range === undefined ? headers["Content-Length"] : range.split("/")[1];
  const own: Record<string, LuaValue> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (metadata.test(name)) own[name.replace(metadata, "").toLowerCase()] = value;
  }
  return {
    key,
    ...(total !== undefined && { size: Number(total) }),
    etag: plainTag(headers["Etag"] ?? ""),
    ...(headers["Content-Type"] !== undefined && { content_type: headers["Content-Type"] }),
    ...(headers["Last-Modified"] !== undefined && { last_modified: headers["Last-Modified"] }),
    metadata: own,
  };
}

/** A page of objects. @throws WippyError, see `send` */
export async function listObjects(
  context: OperationContext,
  storage: Storage,
  options: zod.output<ReturnType<typeof listing>>,
  network: string | undefined,
): Promise<LuaValue> {
  const query: Record<string, string> = { "list-type": "2", "encoding-type": "url" };
  const names = {
    prefix: options.prefix,
    delimiter: options.delimiter,
    "start-after": options.start_after,
    "continuation-token": options.continuation_token,
    "max-keys": options.max_keys?.toString(),
  };
  for (const [name, value] of Object.entries(names)) if (value !== undefined) query[name] = value;
  const { body } = await send(context, storage, { method: "GET", query }, {
    timeout: timeoutOf(options.timeout),
    limit: longestList,
    network,
  });
  const xml = new TextDecoder().decode(body);
  const next = textOf(xml, "NextContinuationToken");
  return asLua({
    objects: elements(xml, "Contents").map((content) => ({
      key: decoded(textOf(content, "Key") ?? ""),
      size: Number(textOf(content, "Size") ?? 0),
      etag: plainTag(textOf(content, "ETag") ?? ""),
      last_modified: textOf(content, "LastModified") ?? "",
    })),
    prefixes: elements(xml, "CommonPrefixes").map((content) =>
      decoded(textOf(content, "Prefix") ?? "")
    ),
    is_truncated: textOf(xml, "IsTruncated") === "true",
    ...(next !== undefined && { next_continuation_token: next }),
  });
}

/** Reads an object, all of it or as a stream. @throws WippyError, see `send` */
export async function readObject(
  context: OperationContext,
  storage: Storage,
  key: string,
  options: zod.output<ReturnType<typeof reading>>,
  stream: boolean,
  network: string | undefined,
): Promise<LuaValue> {
  const headers = options.range === undefined ? {} : { range: options.range };
  const answer = await send(context, storage, { method: "GET", key: checkKey(key), headers }, {
    timeout: timeoutOf(options.timeout),
    limit: stream ? options.max_size || Number.MAX_SAFE_INTEGER : limitOf(options.max_size),
    stream,
    network,
  });
  return {
    info: described(key, answer),
    ...(stream ? { stream: answer.stream ?? 0 } : { body: answer.body }),
  };
}

/** Deletes objects; one that is not there counts as deleted. @throws WippyError, see `send` */
export async function deleteObjects(
  context: OperationContext,
  storage: Storage,
  keys: readonly string[],
  sending: Sending,
): Promise<boolean> {
  for (const key of keys) checkKey(key);
  for (let from = 0; from < keys.length; from += mostDeleted) {
    const objects = keys.slice(from, from + mostDeleted).map((key) =>
      `<Object>${element("Key", key)}</Object>`
    );
    const content = `<Delete>${element("Quiet", "true")}${objects.join("")}</Delete>`;
    const headers = {
      "content-type": "application/xml",
      "content-md5": createHash("md5").update(content).digest("base64"),
    };
    const request = { method: "POST", query: { delete: "" }, headers };
    const { body } = await send(context, storage, request, { ...sending, content });
    const failed = elements(new TextDecoder().decode(body), "Error");
    const [first] = failed;
    if (first === undefined) continue;
    const key = textOf(first, "Key") ?? "";
    const failure = hiddenFailure({ ...request, key }, storage, body)!;
    throw new WippyError(
      "Internal",
      `${failed.length} objects were not deleted: ${failure.message}`,
      {
        retryable: true,
        details: { ...failure.details, keys: failed.map((each) => textOf(each, "Key") ?? "") },
      },
    );
  }
  return true;
}
