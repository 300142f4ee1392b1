import { AwsV4Signer } from "aws4fetch";
import { decodeEntry } from "../../registry/decode.ts";
import { awsConfig, s3Storage } from "../../registry/kinds/aws.ts";
import { WippyError } from "../../vm/error.ts";
import { invalid } from "../http_client/failure.ts";
import type { OperationServices } from "../operation.ts";

/** Bytes of a key at most. */
const longestKey = 1024;

/** A bucket, and who speaks with it. */
export interface Storage {
  id: string;
  /** Of the bucket; keys come after it. */
  url: string;
  region: string;
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken: string | undefined;
}

/** A request before it is signed. */
export interface Unsigned {
  method: string;
  /** Absent: of the bucket itself. */
  key?: string;
  query?: Record<string, string>;
  headers?: Record<string, string>;
}

/** @throws WippyError Invalid for an empty id or another kind, NotFound */
export function storageOf(services: OperationServices, id: string): Storage {
  if (id === "") throw invalid("empty storage id");
  const entry = services.entry(id);
  if (entry === undefined) {
    throw new WippyError("NotFound", `storage not found: ${id}`, { retryable: false });
  }
  if (entry.kind !== s3Storage.name) {
    throw invalid(`${id} is a ${entry.kind} entry; use the id of a ${s3Storage.name} entry`);
  }
  const { config, bucket, endpoint, path_style: pathStyle = endpoint !== undefined } = decodeEntry(
    s3Storage,
    entry,
    services.environment,
  );
  const owner = services.entry(config);
  if (owner?.kind !== awsConfig.name) {
    throw invalid(`${id}: config ${config} is not the id of a ${awsConfig.name} entry`);
  }
  const aws = decodeEntry(awsConfig, owner, services.environment);
  const base = new URL(endpoint ?? `https://s3.${aws.region}.amazonaws.com`);
  if (!pathStyle) base.hostname = `${bucket}.${base.hostname}`;
  return {
    id,
    url: `${base.origin}/${pathStyle ? `${bucket}/` : ""}`,
    region: aws.region,
    accessKeyId: aws.access_key_id,
    secretAccessKey: aws.secret_access_key,
    sessionToken: aws.session_token,
  };
}

/** Checks a key. @throws WippyError Invalid */
export function checkKey(key: string): string {
  const length = Buffer.byteLength(key);
  if (length === 0 || length > longestKey) {
    throw invalid(`a key has 1 to ${longestKey} bytes, not ${length}`);
  }
  // URLs have no such segments: it would be another object.
  if (key.split("/").some((segment) => segment === "." || segment === "..")) {
    throw invalid(`key ${JSON.stringify(key)}: a segment is "." or ".."`);
  }
  return key;
}

function encoded(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function urlOf(storage: Storage, { key, query = {} }: Unsigned): URL {
  const path = key === undefined ? "" : key.split("/").map(encoded).join("/");
  const url = new URL(`${storage.url}${path}`);
  const pairs = Object.entries(query).map(([name, value]) => `${encoded(name)}=${encoded(value)}`);
  url.search = pairs.join("&");
  return url;
}

function signer(storage: Storage, request: Unsigned, now: number, more: object) {
  const { region, accessKeyId, secretAccessKey, sessionToken } = storage;
  return new AwsV4Signer({
    method: request.method,
    url: urlOf(storage, request).href,
    headers: request.headers ?? {},
    service: "s3",
    region,
    accessKeyId,
    secretAccessKey,
    ...(sessionToken !== undefined && { sessionToken }),
    datetime: new Date(now).toISOString().replace(/[:-]|\.\d{3}/g, ""),
    ...more,
  });
}

/** Signs a request in its headers. @param now milliseconds since 1970 */
export async function signed(
  storage: Storage,
  request: Unsigned,
  now: number,
): Promise<{ url: string; headers: [string, string][] }> {
  const { url, headers } = await signer(storage, request, now, {}).sign();
  return { url: url.href, headers: [...headers] };
}

/**
 * Signs a request in its URL, for somebody who has no credentials.
 *
 * @param seconds how long it is valid
 * @param now milliseconds since 1970
 */
export async function presigned(
  storage: Storage,
  request: Unsigned,
  seconds: number,
  now: number,
): Promise<string> {
  const query = { ...request.query, "X-Amz-Expires": String(seconds) };
  const more = { signQuery: true, allHeaders: true };
  return (await signer(storage, { ...request, query }, now, more).sign()).url.href;
}
