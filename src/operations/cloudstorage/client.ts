/**
 * Requests to a storage, on the client of `http_client`: its limits, its proxies, its sockets that close with their
 * unit.
 * @module
 */
import { WippyError } from "../../vm/error.ts";
import { ofKernel } from "../../vm/value.ts";
import { ResponseBody } from "../http_client/body.ts";
import { exchange } from "../http_client/exchange.ts";
import { nameOf } from "../http_client/failure.ts";
import type { OperationContext } from "../operation.ts";
import { signed, type Storage, type Unsigned } from "./storage.ts";
import { textOf } from "./xml.ts";

const longestError = 64 * 1024;
const decoder = new TextDecoder();

/** How a request is sent. */
export interface Sending {
  /** Milliseconds for all of it, with `stream` up to the headers and for each read. */
  timeout: number;
  /** Bytes of the response's body at most. */
  limit: number;
  /** The network that the unit was given. */
  network?: string | undefined;
  stream?: boolean;
  content?: string | Uint8Array;
}

/** A response that is no failure. */
export interface Answer {
  status: number;
  /** By canonical names (`Content-Type`). */
  headers: Record<string, string>;
  body: Uint8Array;
  /** With `stream`: a resource of the unit, a `ResponseBody`. */
  stream?: number;
}

/** What a status says, where the service's own code says no more. */
function kindOf(status: number, code: string): [kind: string, retryable: boolean] {
  if (status === 503 && code === "SlowDown" || status === 429) return ["RateLimited", true];
  if (status >= 500) return ["Unavailable", true];
  if (status === 401 || status === 403) return ["PermissionDenied", false];
  if (status === 404) return ["NotFound", false];
  if (status === 409) return ["Conflict", true];
  if (status === 412) return ["AlreadyExists", false];
  return ["Invalid", false];
}

function failure(what: string, status: number, body: Uint8Array): WippyError {
  const xml = decoder.decode(body);
  const code = textOf(xml, "Code") ?? "";
  const message = textOf(xml, "Message");
  const [kind, retryable] = kindOf(status, code);
  const text = message === undefined ? `status ${status}` : `${message} (${code || status})`;
  return new WippyError(kind, `${what}: ${text}`, {
    retryable,
    details: { status, ...(code !== "" && { code }) },
  });
}

/** The error that a response with status 200 may hold all the same. */
export function hiddenFailure(request: Unsigned, storage: Storage, body: Uint8Array) {
  const xml = decoder.decode(body);
  if (!xml.includes("<Error>")) return undefined;
  return failure(nameOf(request.method, `${storage.url}${request.key ?? ""}`), 500, body);
}

async function streamed(context: OperationContext, handle: number): Promise<Uint8Array> {
  const body = context.resources.get(handle, ResponseBody);
  const parts: Uint8Array[] = [];
  let length = 0;
  while (length < longestError) {
    const part = await body.read(longestError);
    if (part.length === 0) break;
    parts.push(part);
    length += part.length;
  }
  context.resources.remove(handle);
  body.close();
  return Buffer.concat(parts);
}

/**
 * Signs a request and sends it.
 *
 * @throws WippyError by the status: NotFound, PermissionDenied, Conflict, AlreadyExists, RateLimited, Unavailable,
 *   Invalid (details: status, code); Internal, retryable, without a whole response; Canceled
 */
export async function send(
  context: OperationContext,
  storage: Storage,
  request: Unsigned,
  { timeout, limit, network, stream = false, content }: Sending,
): Promise<Answer> {
  const { services, signal, resources } = context;
  // Objects come as they are stored.
  const headers = { ...request.headers, "accept-encoding": "identity" };
  const { url, headers: list } = await signed(
    storage,
    { ...request, headers },
    services.clock.now(),
  );
  const outcome = await exchange(
    {
      method: request.method,
      url,
      resource: url,
      headers: list,
      timeout,
      stream,
      limit,
      redirects: 0,
      ...(network !== undefined && { network }),
    },
    content,
    { signal, resources, services, granted: undefined },
  );
  if (!("response" in outcome)) throw new Error("a request that needs nothing lacks permissions");
  const response = ofKernel<{
    status_code: number;
    headers?: Record<string, string | Uint8Array>;
    body?: Uint8Array;
    stream?: number;
  }>(outcome.response);
  const status = response.status_code;
  const found = Object.entries(response.headers ?? {}).map(([name, value]) =>
    [name, typeof value === "string" ? value : decoder.decode(value)] as const
  );
  if (status >= 200 && status < 300) {
    return {
      status,
      headers: Object.fromEntries(found),
      body: response.body ?? new Uint8Array(),
      ...(response.stream !== undefined && { stream: response.stream }),
    };
  }
  const body = response.stream === undefined
    ? response.body ?? new Uint8Array()
    : await streamed(context, response.stream);
  throw failure(nameOf(request.method, url), status, body);
}
