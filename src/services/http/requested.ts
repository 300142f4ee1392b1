import { asLua, type LuaValue, ofKernel } from "../../vm/value.ts";
import { hasDotSegments } from "./dot-paths.ts";
import type { Listener } from "./listener.ts";

/** A request that comes through no port. */
export interface PortlessRequest {
  method: string;
  /** Where it would go to: scheme, host, path and query. */
  url: string;
  /** Names and values. */
  headers: [name: string, value: string][];
  body: string | Uint8Array<ArrayBuffer>;
}

/** The whole response to such a request. */
export interface PortlessResponse {
  status: number;
  /** Names in lower case, and values; a name may be there several times. */
  headers: [name: string, value: string][];
  body: Uint8Array;
}

/** Serves a request without a port, and waits for all of its response. */
export async function requested(listener: Listener, input: LuaValue): Promise<LuaValue> {
  const { method, url, headers, body } = ofKernel<PortlessRequest>(input);
  const bytes = Buffer.from(body as string);
  const all = new Headers(headers);
  if (!all.has("host")) all.set("host", new URL(url).host);
  if (bytes.length > 0) all.set("content-length", String(bytes.length));
  const content = bytes.length > 0 && { body: bytes };
  const response = await listener.handle(
    new Request(url, { method, headers: all, ...content }),
    hasDotSegments(url),
  );
  const answer: PortlessResponse = response === undefined
    ? { status: 101, headers: [], body: new Uint8Array() }
    : { status: response.status, headers: [...response.headers], body: await response.bytes() };
  return asLua(answer);
}
