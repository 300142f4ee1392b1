/**
 * gRPC over HTTP/2: requests with one message, answers with one message.
 *
 * A channel opens connections when it needs them and replaces those that break, that the server wants to close, or that
 * do not answer. A request that was on its way fails then; whether it is sent again is the caller's decision.
 * @module
 */
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  constants,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
} from "node:http2";
import type { ConnectionSettings } from "./settings.ts";
import { codes, type RpcError, rpcError } from "./rpc-error.ts";

/** How long the server's own answer to a deadline is awaited, in milliseconds. */
const deadlineGrace = 1_000;
/** Requests at once on a connection; the server may set a lower limit. */
const mostStreams = 1_000;
/** Bytes before a message: whether it is compressed, and its length. */
const prefix = 5;
const defaultKeepAlive = { time: 30_000, timeout: 10_000 };

/** A request. */
export interface Call {
  /** `/package.Service/Method`. */
  path: string;
  message: Uint8Array;
  headers: Readonly<Record<string, string>>;
  /** Milliseconds. */
  timeout: number;
  /** Ends it, here and at the server. */
  signal?: AbortSignal | undefined;
}

/** What a channel needs to know. */
export type ChannelSettings = Pick<ConnectionSettings, "address" | "tls" | "keepAlive">;

/** One connection. */
interface Lane {
  session: ClientHttp2Session;
  /** Number of requests. */
  open: number;
  /** Why it takes no more requests. */
  retired?: string;
  /** Why it broke. */
  error?: Error;
}

/** A way to a server. */
export class Channel {
  readonly #settings: ChannelSettings;
  #lanes: Lane[] = [];
  #closed = false;

  constructor(settings: ChannelSettings) {
    this.#settings = settings;
  }

  /**
   * Sends a request and returns the message of the answer.
   *
   * @throws RpcError Unavailable without a connection, Timeout, Canceled by the signal, or the server's status
   */
  async call(call: Call): Promise<Uint8Array> {
    if (this.#closed) throw rpcError(codes.unavailable, "the connection is closed");
    if (call.signal?.aborted) throw rpcError(codes.canceled, "the request was canceled");
    const lane = this.#lane();
    lane.open++;
    try {
      return await this.#exchange(lane, call);
    } finally {
      lane.open--;
      if (lane.retired !== undefined && lane.open === 0) lane.session.close();
    }
  }

  /** Ends all connections and fails the requests on them. */
  close(): void {
    this.#closed = true;
    for (const { session } of this.#lanes.splice(0)) session.destroy();
  }

  #lane(): Lane {
    const free = this.#lanes.find(({ session, open }) =>
      open < Math.min(mostStreams, session.remoteSettings?.maxConcurrentStreams ?? mostStreams)
    );
    return free ?? this.#connect();
  }

  #connect(): Lane {
    const { address, tls } = this.#settings;
    const session = connect(`${tls ? "https" : "http"}://${address}`, {
      settings: { enablePush: false },
      ...tls && {
        ALPNProtocols: ["h2"],
        rejectUnauthorized: tls.insecure !== true,
        ...tls.ca && { ca: Buffer.from(tls.ca) },
        ...tls.serverName !== undefined && { servername: tls.serverName },
        ...tls.client && {
          cert: Buffer.from(tls.client.certificate),
          key: Buffer.from(tls.client.key),
        },
      },
    });
    const lane: Lane = { session, open: 0 };
    this.#lanes.push(lane);
    session.on("error", (error) => lane.error ??= error);
    session.on("goaway", () => this.#retire(lane, "the server is closing the connection"));
    session.on("close", () => this.#retire(lane, "the connection was closed"));
    this.#keepAlive(lane);
    return lane;
  }

  /** Takes a connection out of use; its requests go on. */
  #retire(lane: Lane, why: string): void {
    lane.retired ??= why;
    this.#lanes = this.#lanes.filter((other) => other !== lane);
    if (lane.open === 0) lane.session.close();
  }

  /** Asks the server for a sign of life again and again. */
  #keepAlive({ session }: Lane): void {
    const { time, timeout } = this.#settings.keepAlive ?? defaultKeepAlive;
    if (time === 0) return;
    let late: ReturnType<typeof setTimeout> | undefined;
    const timer = setInterval(() => {
      if (late || session.connecting || session.destroyed) return;
      late = setTimeout(() => {
        session.destroy(new Error(`the server was silent for ${timeout} ms`));
      }, timeout);
      session.ping(() => {
        clearTimeout(late);
        late = undefined;
      });
    }, time);
    session.on("close", () => {
      clearInterval(timer);
      clearTimeout(late);
    });
  }

  /** @throws RpcError Unavailable when the connection has just ended */
  #begin(lane: Lane, headers: OutgoingHttpHeaders): ClientHttp2Stream {
    try {
      return lane.session.request(headers);
    } catch (error) {
      const { message } = error as Error;
      this.#retire(lane, message);
      throw rpcError(codes.unavailable, message);
    }
  }

  #exchange(lane: Lane, { path, message, headers, timeout, signal }: Call): Promise<Uint8Array> {
    const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>();
    const stream = this.#begin(lane, {
      ":method": "POST",
      ":path": path,
      "content-type": "application/grpc",
      "te": "trailers",
      "grpc-timeout": `${Math.max(1, Math.ceil(timeout))}m`,
      ...headers,
    });
    const answer = new Answer();
    const cancel = () => stream.close(constants.NGHTTP2_CANCEL);
    const late = setTimeout(() => {
      // The server would have answered that the time is over.
      this.#retire(lane, "the server does not answer");
      reject(rpcError(codes.deadlineExceeded, `no response within ${timeout} ms`));
      cancel();
    }, timeout + deadlineGrace);
    const abort = () => {
      reject(rpcError(codes.canceled, "the request was canceled"));
      cancel();
    };
    signal?.addEventListener("abort", abort, { once: true });
    stream.on("response", (head) => answer.head(head));
    stream.on("trailers", (trailers) => answer.trailers(trailers));
    stream.on("data", (chunk: Uint8Array) => answer.chunks.push(chunk));
    stream.on("error", (error) => lane.error ??= error);
    stream.on("close", () => {
      clearTimeout(late);
      signal?.removeEventListener("abort", abort);
      try {
        resolve(answer.message(lane.error?.message ?? lane.retired));
      } catch (error) {
        reject(error);
      }
    });
    stream.end(framed(message));
    return promise;
  }
}

/** A message with its prefix. */
function framed(message: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(prefix + message.length);
  frame[0] = 0;
  frame.writeUInt32BE(message.length, 1);
  frame.set(message, prefix);
  return frame;
}

/** What has come of an answer. */
class Answer {
  readonly chunks: Uint8Array[] = [];
  #http = 0;
  #status: number | undefined;
  #text = "";
  #details = new Uint8Array();

  head(headers: IncomingHttpHeaders & { ":status"?: number | undefined }): void {
    this.#http = Number(headers[":status"]);
    this.trailers(headers);
  }

  trailers(headers: IncomingHttpHeaders): void {
    const status = headers["grpc-status"];
    if (status === undefined) return;
    this.#status = Number(status);
    this.#text = decoded(String(headers["grpc-message"] ?? ""));
    const details = headers["grpc-status-details-bin"];
    if (details !== undefined) {
      this.#details = new Uint8Array(Buffer.from(String(details), "base64"));
    }
  }

  /** @param lost why the connection broke, if it did. @throws RpcError */
  message(lost: string | undefined): Uint8Array {
    if (this.#status === undefined) throw this.#failed(lost);
    if (this.#status !== codes.ok) {
      throw rpcError(this.#status, this.#text, this.#details);
    }
    const [first] = this.chunks;
    const all = this.chunks.length === 1 && first ? first : Buffer.concat(this.chunks);
    if (all.length < prefix) throw rpcError(codes.internal, "the answer has no message");
    if (all[0] !== 0) throw rpcError(codes.internal, "the answer is compressed");
    return all.subarray(prefix);
  }

  /** Why there is no status. */
  #failed(lost: string | undefined): RpcError {
    const http = this.#http;
    if (http === 0 || http === 200) {
      return rpcError(codes.unavailable, lost ?? "the connection was lost");
    }
    const code = http === 401
      ? codes.unauthenticated
      : http === 403
      ? codes.permissionDenied
      : http === 429 || http >= 502 && http <= 504
      ? codes.unavailable
      : codes.unimplemented;
    return rpcError(code, `the server answered with the HTTP status ${http} instead of gRPC`);
  }
}

/** gRPC writes messages as URLs do. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
