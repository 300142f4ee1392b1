/**
 * gRPC over HTTP/2: requests with one message, answers with one message.
 *
 * A channel opens connections when it needs them and replaces those that break, that the server wants to close, or that
 * do not answer. A request that was on its way fails then; whether it is sent again is the caller's decision.
 * @module
 */
import { connect as connectPlainly, type Socket } from "node:net";
import { connect as connectByTls } from "node:tls";
import { Deadlines } from "../deadlines.ts";
import { type Answering, Http2Connection } from "./http2/http2.ts";
import type { Header } from "./http2/hpack.ts";
import type { ConnectionSettings } from "./settings.ts";
import { codes, type RpcError, rpcError } from "./rpc-error.ts";

/** How long the server's own answer to a deadline is awaited, in milliseconds. */
const deadlineGrace = 1_000;
/** Bytes before a message: whether it is compressed, and its length. */
const prefix = 5;
/** Bytes of an answer at most, as Temporal's own SDKs have it. */
const mostBytes = 128 * 2 ** 20;
const defaultKeepAlive = { time: 30_000, timeout: 10_000 };

/** A request. */
export interface Call {
  /** `/package.Service/Method`. */
  path: string;
  message: Uint8Array;
  /** The same list for all requests that have the same. */
  headers: readonly Header[];
  /** Milliseconds. */
  timeout: number;
  /** Ends it, here and at the server. */
  signal?: AbortSignal | undefined;
}

/** What a channel needs to know. */
export type ChannelSettings = Pick<ConnectionSettings, "address" | "tls" | "keepAlive">;

/** A way to a server. */
export class Channel {
  readonly #settings: ChannelSettings;
  #connections: Http2Connection[] = [];
  readonly #deadlines = new Deadlines();
  /** Headers by paths. */
  readonly #lists = new Map<string, { more: readonly Header[]; all: readonly Header[] }>();
  #closed = false;

  constructor(settings: ChannelSettings) {
    this.#settings = settings;
  }

  /**
   * Sends a request and returns the message of the answer.
   *
   * @throws RpcError Unavailable without a connection, Timeout, Canceled by the signal, or the server's status
   */
  call(call: Call): Promise<Uint8Array> {
    if (this.#closed) {
      return Promise.reject(rpcError(codes.unavailable, "the connection is closed"));
    }
    if (call.signal?.aborted) {
      return Promise.reject(rpcError(codes.canceled, "the request was canceled"));
    }
    return this.#exchange(this.#free(), call);
  }

  /** Ends all connections and fails the requests on them. */
  close(): void {
    this.#closed = true;
    for (const connection of this.#connections.splice(0)) {
      connection.destroy("the connection was closed");
    }
    this.#deadlines.close();
  }

  #free(): Http2Connection {
    return this.#connections.find(({ free }) => free) ?? this.#connect();
  }

  #connect(): Http2Connection {
    const { tls } = this.#settings;
    const made: Http2Connection = new Http2Connection(
      this.#socket(),
      tls ? "secureConnect" : "connect",
      {
        retired: (why) => this.#retire(made, why),
        closed: () => this.#retire(made, "the connection was closed"),
      },
    );
    this.#connections.push(made);
    this.#keepAlive(made);
    return made;
  }

  #socket(): Socket {
    const { address, tls } = this.#settings;
    const { hostname, port } = new URL(`http://${address}`);
    const place = {
      host: hostname.replace(/^\[|\]$/g, ""),
      port: Number(port || (tls ? 443 : 80)),
    };
    if (!tls) return connectPlainly(place);
    return connectByTls({
      ...place,
      ALPNProtocols: ["h2"],
      rejectUnauthorized: tls.insecure !== true,
      ...tls.ca && { ca: Buffer.from(tls.ca) },
      ...tls.serverName !== undefined && { servername: tls.serverName },
      ...tls.client && {
        cert: Buffer.from(tls.client.certificate),
        key: Buffer.from(tls.client.key),
      },
    });
  }

  /** All headers of a request: the same list each time. */
  #headers(path: string, more: readonly Header[]): readonly Header[] {
    const known = this.#lists.get(path);
    if (known?.more === more) return known.all;
    const all: Header[] = [
      [":method", "POST"],
      [":scheme", this.#settings.tls ? "https" : "http"],
      [":path", path],
      [":authority", this.#settings.address],
      ["content-type", "application/grpc"],
      ["te", "trailers"],
      ...more,
    ];
    this.#lists.set(path, { more, all });
    return all;
  }

  /** Takes a connection out of use; its requests go on. */
  #retire(connection: Http2Connection, why: string): void {
    this.#connections = this.#connections.filter((other) => other !== connection);
    connection.end(why);
  }

  /** Asks the server for a sign of life again and again. */
  #keepAlive(connection: Http2Connection): void {
    const { time, timeout } = this.#settings.keepAlive ?? defaultKeepAlive;
    if (time === 0) return;
    let late: ReturnType<typeof setTimeout> | undefined;
    const timer = setInterval(() => {
      if (connection.gone) return clearInterval(timer);
      if (late || connection.connecting) return;
      late = setTimeout(() => {
        connection.destroy(`the server was silent for ${timeout} ms`);
      }, timeout);
      connection.ping(() => {
        clearTimeout(late);
        late = undefined;
      });
    }, time);
  }

  #exchange(
    connection: Http2Connection,
    { path, message, headers, timeout, signal }: Call,
  ): Promise<Uint8Array> {
    const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>();
    const answer = new Answer(
      () => {
        inTime();
        signal?.removeEventListener("abort", abort);
        try {
          resolve(answer.message(connection.why));
        } catch (error) {
          reject(error);
        }
      },
      () => {
        const limit = `${mostBytes / 2 ** 20} MiB`;
        reject(rpcError(codes.outOfRange, `the answer to ${path} is larger than ${limit}`));
        cancel();
      },
    );
    const inTime = this.#deadlines.add(timeout + deadlineGrace, () => {
      // The server would have answered that the time is over.
      this.#retire(connection, "the server does not answer");
      reject(rpcError(codes.deadlineExceeded, `no response within ${Math.round(timeout)} ms`));
      cancel();
    });
    const abort = () => {
      reject(rpcError(codes.canceled, "the request was canceled"));
      cancel();
    };
    signal?.addEventListener("abort", abort, { once: true });
    const cancel = connection.request(
      this.#headers(path, headers),
      [["grpc-timeout", `${Math.max(1, Math.ceil(timeout))}m`]],
      framed(message),
      answer,
    );
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
class Answer implements Answering {
  readonly #parts: Uint8Array[] = [];
  #http = 0;
  #status: number | undefined;
  #text = "";
  #details = new Uint8Array();

  #size = 0;

  constructor(readonly closed: () => void, readonly tooLarge: () => void) {}

  data(part: Uint8Array): void {
    this.#size += part.length;
    if (this.#size <= mostBytes) {
      this.#parts.push(part);
      return;
    }
    if (this.#parts.length === 0) return;
    this.#parts.length = 0;
    this.tooLarge();
  }

  headers(headers: Readonly<Record<string, string>>): void {
    if (this.#http === 0) this.#http = Number(headers[":status"]);
    const status = headers["grpc-status"];
    if (status === undefined) return;
    this.#status = Number(status);
    this.#text = decoded(headers["grpc-message"] ?? "");
    const details = headers["grpc-status-details-bin"];
    if (details !== undefined) this.#details = new Uint8Array(Buffer.from(details, "base64"));
  }

  /** @param lost why the connection broke, if it did. @throws RpcError */
  message(lost: string | undefined): Uint8Array {
    if (this.#status === undefined) throw this.#failed(lost);
    if (this.#status !== codes.ok) {
      throw rpcError(this.#status, this.#text, this.#details);
    }
    const [first] = this.#parts;
    const all = this.#parts.length === 1 && first ? first : Buffer.concat(this.#parts);
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
