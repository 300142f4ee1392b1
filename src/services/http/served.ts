/**
 * A request in the hands of a function: what the module `http` shows of it, what it reads and writes meanwhile, and
 * the response that comes of it.
 * @module
 */
import { longestTimer } from "../../platform/platform.ts";
import { isUtf8 } from "node:buffer";
import { WippyError } from "../../vm/error.ts";
import { asLua, type LuaValue, ofKernel } from "../../vm/value.ts";
import { type Exchange, markStreamed, patience, plain } from "./exchange.ts";
import { boundaryOf } from "./multipart.ts";
import { Upload } from "./upload.ts";

/** Bodies up to this size come with the request. */
const inlineBody = 64 * 1024;
/** Milliseconds that a part of such a body may take. */
const inlineTimeout = 30_000;

/** Bytes of a form that are read at a time. */
const formChunk = 256 * 1024;

/** The head of a response, as the module `http` keeps it. */
interface Head {
  status?: number;
  headers?: Record<string, string | Uint8Array>;
}

/** What has become of a call. */
export interface ServedAnswer {
  /** Status with which a firewall refuses. */
  refused?: number;
  /** Whether the function returned a value. */
  returned?: boolean;
  failure?: unknown;
  /** The function has made a response; its rest is what was not sent before. */
  response?: Head & { touched: boolean; rest: string | Uint8Array };
}

/** Texts of headers travel as the bytes that they are. */
function wire(text: string | Uint8Array): string {
  return Buffer.from(text as string).toString("latin1");
}

function bytesOf(value: string | Uint8Array | undefined): Uint8Array {
  return typeof value === "string" ? Buffer.from(value) : value ?? new Uint8Array();
}

const plainText = "text/plain; charset=utf-8";
/** Copied by each response: that takes less time than to make them. */
const textHeaders = new Headers({ "content-type": plainText });

/** The content type of a body for which none was set. A string from the kernel is UTF-8. */
function contentType(part: string | Uint8Array): string {
  const text = typeof part === "string" ? !part.includes("\0") : isUtf8(part) && !part.includes(0);
  return text ? plainText : "application/octet-stream";
}

/** @param part the first of the body: without a content type, it says whether that is text */
function headersOf(
  { headers: given }: Head,
  part: string | Uint8Array,
): Headers | Record<string, string> {
  if (given === undefined) {
    if (part.length === 0) return {};
    const type = contentType(part);
    return type === plainText ? textHeaders : { "content-type": type };
  }
  const headers = new Headers();
  for (const [name, value] of Object.entries(given)) headers.set(name, wire(value));
  if (part.length > 0 && !headers.has("content-type")) {
    headers.set("content-type", contentType(part));
  }
  return headers;
}

// deno-lint-ignore no-control-regex
const ascii = /^[\x00-\x7f]*$/;

/** Statuses that have no body. */
const bodiless: ReadonlySet<number> = new Set([204, 205, 304]);

/** Handlers of a response that is written before its function has ended. */
export interface ServedHandlers {
  /** Its first part is there. */
  begun(response: Response): void;
  /** Whoever reads it has gone. */
  gone(): void;
}

const none = new Uint8Array();

/** One request that a function serves. */
export class Served {
  readonly #exchange: Exchange;
  readonly #readDeadline: number | undefined;
  /** Bytes of the request's body, -1 when they are not known. */
  readonly #length: number;
  #reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  #rest: Uint8Array = none;
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  /** Of a response that has begun: more of its body is wanted. */
  #wanted: PromiseWithResolvers<void> | undefined;
  #begun: Response | undefined;
  #gone = false;
  #upload: Upload | undefined;
  #handlers: ServedHandlers | undefined;
  /** A body that came with the request. */
  #body: Uint8Array | undefined;

  /**
   * @param id by which the module names it
   * @param readTimeout milliseconds for the whole body
   */
  constructor(readonly id: number, exchange: Exchange, readTimeout: number | undefined) {
    const { request } = exchange;
    const length = request.headers.get("content-length");
    this.#exchange = exchange;
    this.#length = length === null ? (request.body === null ? 0 : -1) : Number(length);
    this.#readDeadline = readTimeout === undefined ? undefined : performance.now() + readTimeout;
  }

  /** The function waits for something: events of the response go to these handlers. */
  attach(handlers: ServedHandlers): void {
    this.#handlers = handlers;
    if (this.#begun !== undefined) handlers.begun(this.#begun);
  }

  /**
   * What the function has of the request, as a list, which costs less on its way than names do: id of the server's
   * entry, number of the request, method, path, host, sender, query, headers (each as its name and its value, with a
   * line feed after both), length of the body, parameters of the route or false, and a small body or false.
   */
  describe(service: string): LuaValue {
    const { request, url, remote, params } = this.#exchange;
    let headers = "";
    request.headers.forEach((value, name) => {
      if (name !== "host") headers += `${name}\n${value}\n`;
    });
    return [
      service,
      this.id,
      request.method,
      decoded(url.pathname),
      request.headers.get("host") ?? url.host,
      remote,
      url.search.slice(1),
      // Their characters are bytes.
      ascii.test(headers) ? headers : new Uint8Array(Buffer.from(headers, "latin1")),
      this.#length,
      Object.keys(params).length > 0 && asLua(params),
      this.#body ?? false,
    ];
  }

  /** Whether the body is small enough to come with the request; then it is to be taken first. */
  get hasSmallBody(): boolean {
    return this.#length > 0 && this.#length <= inlineBody;
  }

  /** Waits for such a body. @throws WippyError Internal when it does not come in time, or breaks off */
  async takeBody(): Promise<void> {
    this.#body = await this.#all(this.#length);
  }

  async #all(length: number): Promise<Uint8Array> {
    const parts: Uint8Array[] = [];
    let size = 0;
    while (size < length) {
      const part = await this.read(length, inlineTimeout);
      if (part.length === 0) break;
      parts.push(part);
      size += part.length;
    }
    return new Uint8Array(Buffer.concat(parts));
  }

  /**
   * Up to `size` bytes of the body, none at its end.
   *
   * @param timeout milliseconds
   * @throws WippyError Internal
   */
  async read(size: number, timeout: number | undefined): Promise<Uint8Array> {
    while (this.#rest.length === 0) {
      this.#reader ??= this.#exchange.request.body?.getReader() as
        | ReadableStreamDefaultReader<Uint8Array>
        | undefined;
      if (this.#reader === undefined) return new Uint8Array();
      const { done, value } = await this.#inTime(this.#reader.read(), timeout);
      if (done) return new Uint8Array();
      this.#rest = value;
    }
    const part = this.#rest.subarray(0, size);
    this.#rest = this.#rest.subarray(size);
    return part;
  }

  async #inTime<Result>(work: Promise<Result>, timeout: number | undefined): Promise<Result> {
    const left = this.#readDeadline === undefined
      ? Infinity
      : this.#readDeadline - performance.now();
    const limit = Math.min(left, timeout ?? Infinity);
    const late = Promise.withResolvers<never>();
    const timer = limit === Infinity ? undefined : setTimeout(
      () => late.reject(new Error("it did not come in time")),
      Math.min(Math.max(0, limit), longestTimer),
    );
    try {
      return await Promise.race([work, late.promise]);
    } catch (error) {
      work.catch(() => {});
      throw new WippyError("Internal", `the body of the request: ${(error as Error).message}`, {
        retryable: false,
      });
    } finally {
      clearTimeout(timer);
    }
  }

  /**
   * Takes the body apart as a form with files.
   *
   * @param rest of a small body, which came with the request
   * @throws WippyError Invalid: no form, or larger than allowed; Internal: malformed, or it does not come
   */
  async form(
    rest: Uint8Array | undefined,
    limits: { memory: number; body: number; timeout: number | undefined },
  ): Promise<LuaValue> {
    const boundary = boundaryOf(this.#exchange.request.headers.get("content-type") ?? "");
    if (boundary === undefined) {
      const message = "the request is not multipart/form-data, or its boundary is missing";
      throw new WippyError("Invalid", message, { retryable: false });
    }
    const upload = this.#upload = new Upload(limits.memory);
    let first = rest;
    return await upload.receive(boundary, async () => {
      const part = first ?? await this.read(formChunk, limits.timeout);
      first = undefined;
      return part;
    }, limits.body);
  }

  /** Bytes of a file of the form. @throws WippyError Internal */
  async formRead(file: number, from: number, size: number): Promise<Uint8Array> {
    const part = await this.#upload?.read(file, from, size);
    if (part !== undefined) return part;
    throw new WippyError("Internal", "the request has no form", { retryable: false });
  }

  /** The function has ended: what was kept for it is forgotten. */
  async close(): Promise<void> {
    await this.#upload?.close();
    this.#upload = undefined;
  }

  /**
   * Sends a part of the response, with its head before the first one, and waits until more is wanted.
   *
   * @throws WippyError Internal when nobody reads it any more
   */
  async write(made: Head, part: Uint8Array): Promise<void> {
    this.#wanted ??= Promise.withResolvers<void>();
    if (this.#controller === undefined && !this.#gone) {
      const body = new ReadableStream<Uint8Array>({
        start: (controller) => {
          this.#controller = controller;
        },
        pull: () => {
          this.#wanted?.resolve();
        },
        cancel: () => {
          this.leave();
          this.#handlers?.gone();
        },
      }, { highWaterMark: 0 });
      const head = { status: made.status ?? 200, headers: headersOf(made, part) };
      this.#begun = markStreamed(new Response(body, head));
      this.#handlers?.begun(this.#begun);
    }
    if (!this.#gone) await this.#wanted.promise;
    if (this.#gone) {
      throw new WippyError("Internal", "the client has gone", { retryable: false });
    }
    if (part.length === 0) return;
    this.#wanted = Promise.withResolvers<void>();
    this.#controller?.enqueue(part);
  }

  /** Nobody reads the response any more. */
  leave(): void {
    this.#gone = true;
    this.#wanted?.resolve();
  }

  /** Whether its response, or what was kept for it, is to be ended. */
  get isOpen(): boolean {
    return this.#begun !== undefined || this.#upload !== undefined;
  }

  /** The response of a function that has ended; that which has begun, with its end. */
  async finish(answer: ServedAnswer): Promise<Response> {
    if (this.#begun === undefined || answer.refused !== undefined) return responseOf(answer);
    const rest = bytesOf(answer.response?.rest);
    // Later failures are only logged, because the headers have been sent.
    await this.write({}, rest).catch(() => {});
    if (!this.#gone) this.#controller?.close();
    this.#exchange.limitSilence(patience);
    return this.#begun;
  }

  /** Ends a response that has begun, when its function was cancelled. */
  fail(error: WippyError): void {
    this.#controller?.error(error);
    this.leave();
  }
}

/** The response of a function that has ended and sent nothing of it before. */
export function responseOf({ response, returned, failure, refused }: ServedAnswer): Response {
  if (refused !== undefined) return refusal(refused);
  if (response?.touched) {
    const status = response.status ?? 200;
    const body = bodiless.has(status) ? "" : response.rest;
    const written = body.length > 0 ? body as BodyInit : null;
    return new Response(written, { status, headers: headersOf(response, body) });
  }
  if (failure !== undefined) return plain(500, WippyError.from(failure).message);
  if (returned) return new Response(null, { headers: { "content-type": "application/json" } });
  return plain(500, "no response sent");
}

function decoded(path: string): string {
  if (!path.includes("%")) return path;
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

/** What a firewall answers. */
export function refusal(status: number): Response {
  const error = status === 401
    ? "Authentication required"
    : status === 403
    ? "Access denied"
    : "Configuration error";
  const details = status === 401
    ? "the request has no identity"
    : status === 403
    ? "the identity of the request may not do this"
    : "the firewall must stand behind the match of the route: list it under post_middleware";
  return Response.json({ success: false, error, details }, { status });
}

/** Parses headers from a text with a line feed after each name and each value; bytes if it is not UTF-8. */
function listed(text: string | Uint8Array): Record<string, string | Uint8Array> {
  const bytes = typeof text !== "string";
  const lines = (bytes ? Buffer.from(text).toString("latin1") : text).split("\n");
  const headers: Record<string, string | Uint8Array> = {};
  for (let i = 0; i + 1 < lines.length; i += 2) {
    headers[lines[i]!] = bytes ? Buffer.from(lines[i + 1]!, "latin1") : lines[i + 1]!;
  }
  return headers;
}

/** What the kernel answered to a call with a request. */
export function answerOf(value: LuaValue): ServedAnswer {
  const [first, failure, touched, status, rest, headers] = ofKernel<
    [
      first: boolean | number,
      failure?: unknown,
      touched?: boolean,
      status?: number,
      rest?: string | Uint8Array,
      headers?: Record<string, string> | string | Uint8Array | false,
    ]
  >(value);
  if (typeof first === "number") return { refused: first };
  const answer: ServedAnswer = { returned: first };
  if (failure !== false) answer.failure = failure;
  if (touched !== undefined) {
    answer.response = { touched, status: status ?? 200, rest: rest ?? "" };
    if (typeof headers === "string" || headers instanceof Uint8Array) {
      if (headers.length > 0) answer.response.headers = listed(headers);
    } else if (headers) answer.response.headers = headers;
  }
  return answer;
}
