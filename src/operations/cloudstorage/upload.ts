import { WippyError } from "../../vm/error.ts";
import type { OperationContext } from "../operation.ts";
import type { Closable } from "../resources.ts";
import { type Answer, hiddenFailure, send, type Sending } from "./client.ts";
import type { Storage, Unsigned } from "./storage.ts";
import { element, textOf } from "./xml.ts";

/** Bytes of a part. S3 wants 5 MiB at least and 10,000 parts at most. */
export const partSize = 8 * 1024 * 1024;
const mostParts = 10_000;
/** Milliseconds for the request that throws away what was sent, when its unit has ended. */
const cleanupTimeout = 10_000;

/**
 * An object that is written while it is sent, one part after the other: a write waits until the part before has
 * arrived. A small one is sent at once, without parts. What is not finished leaves nothing in the bucket.
 */
export class ObjectUpload implements Closable {
  readonly #context: OperationContext;
  readonly #storage: Storage;
  readonly #request: Unsigned & { key: string };
  readonly #conditions: Record<string, string>;
  readonly #sending: Sending;
  #waiting: Uint8Array[] = [];
  #length = 0;
  #id: string | undefined;
  #etags: string[] = [];
  #turn: Promise<unknown> = Promise.resolve();

  /** @param conditions headers of the request that makes the object */
  constructor(
    context: OperationContext,
    storage: Storage,
    request: Unsigned & { key: string },
    conditions: Record<string, string>,
    sending: Sending,
  ) {
    this.#context = context;
    this.#storage = storage;
    this.#request = request;
    this.#conditions = conditions;
    this.#sending = sending;
  }

  #send(
    signal: AbortSignal,
    request: Unsigned,
    content?: string | Uint8Array,
  ): Promise<Answer> {
    const sending = content === undefined ? this.#sending : { ...this.#sending, content };
    return send({ ...this.#context, signal }, this.#storage, request, sending);
  }

  #inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const result = this.#turn.then(work);
    this.#turn = result.catch(() => {});
    return result;
  }

  #take(): Uint8Array {
    const content = this.#waiting.length === 1 ? this.#waiting[0]! : Buffer.concat(this.#waiting);
    this.#waiting = [];
    this.#length = 0;
    return content;
  }

  async #sendPart(signal: AbortSignal): Promise<void> {
    const { key } = this.#request;
    if (this.#etags.length === mostParts) {
      const most = (partSize * mostParts) / 2 ** 30;
      throw new WippyError("Invalid", `${key}: an object has at most ${Math.floor(most)} GiB`, {
        retryable: false,
      });
    }
    if (this.#id === undefined) {
      const request = { ...this.#request, method: "POST", query: { uploads: "" } };
      const begun = await this.#send(signal, request);
      this.#id = textOf(new TextDecoder().decode(begun.body), "UploadId");
      if (this.#id === undefined) throw broken(key, "the storage named no upload");
    }
    const query = { partNumber: String(this.#etags.length + 1), uploadId: this.#id };
    const { headers } = await this.#send(signal, { method: "PUT", key, query }, this.#take());
    const etag = headers["Etag"];
    if (etag === undefined) throw broken(key, "the storage named no ETag of a part");
    this.#etags.push(etag);
  }

  /** Takes bytes, and sends a part when there are enough. @throws WippyError, see `send` */
  write(bytes: Uint8Array, signal: AbortSignal): Promise<void> {
    return this.#inTurn(async () => {
      this.#waiting.push(bytes);
      this.#length += bytes.length;
      if (this.#length >= partSize) await this.#sendPart(signal);
    });
  }

  /** Makes the object. Returns its ETag. @throws WippyError, see `send` */
  finish(signal: AbortSignal): Promise<string> {
    return this.#inTurn(async () => {
      const { key } = this.#request;
      if (this.#id === undefined) {
        const headers = { ...this.#request.headers, ...this.#conditions };
        const request = { ...this.#request, headers };
        const { headers: answer } = await this.#send(signal, request, this.#take());
        return answer["Etag"] ?? "";
      }
      if (this.#length > 0) await this.#sendPart(signal);
      const parts = this.#etags.map((etag, index) =>
        `<Part>${element("PartNumber", String(index + 1))}${element("ETag", etag)}</Part>`
      );
      const request = {
        method: "POST",
        key,
        query: { uploadId: this.#id },
        headers: { "content-type": "application/xml", ...this.#conditions },
      };
      const list = `<CompleteMultipartUpload>${parts.join("")}</CompleteMultipartUpload>`;
      const { body } = await this.#send(signal, request, list);
      const failure = hiddenFailure(request, this.#storage, body);
      if (failure !== undefined) throw failure;
      this.#id = undefined;
      return textOf(new TextDecoder().decode(body), "ETag") ?? "";
    });
  }

  /** Throws away the parts that were sent, unless the object was made. */
  async close(): Promise<void> {
    await this.#turn;
    const uploadId = this.#id;
    if (uploadId === undefined) return;
    this.#id = undefined;
    const request = { method: "DELETE", key: this.#request.key, query: { uploadId } };
    // The unit has ended, and with it its signal.
    const context = { ...this.#context, signal: AbortSignal.timeout(cleanupTimeout) };
    await send(context, this.#storage, request, this.#sending).catch(() => {});
  }
}

function broken(key: string, text: string): WippyError {
  return new WippyError("Internal", `${key}: ${text}`, { retryable: true });
}
