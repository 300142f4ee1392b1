/**
 * Requests that `fetch` refuses: GET, HEAD and TRACE with a body. They are sent by Node's client, whose response is
 * made into one of `fetch`.
 * @module
 */
import { type IncomingMessage, request as httpRequest, type RequestOptions } from "node:http";
import { request as httpsRequest } from "node:https";
import { isIP } from "node:net";
import type { Duplex } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createBrotliDecompress, createUnzip, createZstdDecompress } from "node:zlib";
import type { Request } from "./request.ts";

const bodiless: ReadonlySet<number> = new Set([204, 205, 304]);

/** What decompresses, and the code that `fetch` gives to damaged data. */
const codings: Readonly<Record<string, readonly [make: () => Duplex, damaged: string]>> = {
  gzip: [createUnzip, "ZlibError"],
  "x-gzip": [createUnzip, "ZlibError"],
  deflate: [createUnzip, "ZlibError"],
  br: [createBrotliDecompress, "BrotliDecompressionError"],
  zstd: [createZstdDecompress, "ZstdDecompressionError"],
};

/** Codes of Node for damaged data. */
const damage = /^(?:Z_|ERR__ERROR_|ZSTD_)/;

/** Whether `fetch` refuses a body of this method. */
export function needsNode(method: string): boolean {
  return /^(?:GET|HEAD|TRACE)$/i.test(method);
}

/** What is sent, as far as `exchange` says it. */
export interface NodeRequest {
  method: string;
  headers: [name: string, value: string][];
  signal: AbortSignal;
  body: string | Uint8Array | ReadableStream<Uint8Array>;
  decompress: boolean;
  /** Path of the socket to connect to. */
  unix: string | undefined;
  tls: Request["tls"];
}

/** Name and value one after the other, with what `fetch` adds to them. */
function headersOf({ headers, body }: NodeRequest, url: URL): string[] {
  const given = new Set(headers.map(([name]) => name.toLowerCase()));
  const added: [string, string][] = [
    ["User-Agent", navigator.userAgent],
    ["Accept", "*/*"],
    ["Host", url.host],
    ["Accept-Encoding", "gzip, deflate, br, zstd"],
  ];
  const length: [string, string] = body instanceof ReadableStream
    ? ["Transfer-Encoding", "chunked"]
    : ["Content-Length", String(Buffer.byteLength(body))];
  const missing = added.filter(([name]) => !given.has(name.toLowerCase()));
  return [...headers, ...missing, length].flat();
}

function responseOf(incoming: IncomingMessage, { method, decompress }: NodeRequest): Response {
  const headers = new Headers();
  for (let i = 0; i + 1 < incoming.rawHeaders.length; i += 2) {
    headers.append(incoming.rawHeaders[i]!, incoming.rawHeaders[i + 1]!);
  }
  const status = incoming.statusCode!;
  if (method.toUpperCase() === "HEAD" || bodiless.has(status)) {
    incoming.resume();
    return new Response(null, { status, headers });
  }
  const [make, damaged] = (decompress && codings[headers.get("content-encoding") ?? ""]) || [];
  const coding = make?.();
  if (coding) {
    coding.once("error", (error: NodeJS.ErrnoException) => {
      if (damage.test(error.code ?? "")) Object.assign(error, { code: damaged });
    });
    // Whoever reads the decompressed body sees the failure of either.
    pipeline(incoming, coding).catch(() => {});
  }
  const parts: AsyncIterator<Uint8Array> = (coding ?? incoming)[Symbol.asyncIterator]();
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { done, value } = await parts.next();
      if (done) controller.close();
      else controller.enqueue(value);
    },
    async cancel() {
      await parts.return?.();
    },
  }, { highWaterMark: 0 });
  return new Response(body, { status, headers });
}

async function* partsOf(body: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  const reader = body.getReader();
  try {
    for (let part = await reader.read(); !part.done; part = await reader.read()) yield part.value;
  } finally {
    reader.cancel().catch(() => {});
  }
}

/** Sends a request and waits for the head of the response. @throws Error of the system or of TLS */
export function nodeFetch(address: URL | string, wanted: NodeRequest): Promise<Response> {
  const url = new URL(address);
  const { promise, resolve, reject } = Promise.withResolvers<Response>();
  const { serverName, ...tls } = wanted.tls ?? {};
  const host = url.hostname.replace(/^\[|\]$/g, "");
  // An address is no name that a server may be asked for.
  const name = serverName ?? (isIP(host) ? undefined : host);
  const options: RequestOptions = {
    method: wanted.method.toUpperCase(),
    headers: headersOf(wanted, url),
    signal: wanted.signal,
    agent: false,
    host,
    port: url.port,
    path: url.pathname + url.search,
    ...(wanted.unix !== undefined && { socketPath: wanted.unix }),
    ...(url.protocol === "https:" && {
      ...(name !== undefined && { servername: name }),
      ...tls,
    }),
  };
  const request = url.protocol === "https:" ? httpsRequest(options) : httpRequest(options);
  request.on("error", reject);
  request.on("response", (incoming) => resolve(responseOf(incoming, wanted)));
  if (wanted.body instanceof ReadableStream) {
    pipeline(partsOf(wanted.body), request).catch(reject);
  } else {
    request.end(wanted.body);
  }
  return promise;
}
