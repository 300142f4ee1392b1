import {
  AbstractMessageReader,
  type DataCallback,
  type Disposable,
  type Message,
} from "vscode-languageserver";

/** The longest message that is read, in bytes. */
const longestMessage = 256 * 1024 * 1024;
const longestHeader = 8192;

/** Codes of JSON-RPC. */
const [parseError, invalidRequest] = [-32700, -32600];

/**
 * Reads messages of an editor. What is no message of JSON-RPC is answered with an error, and reading goes on behind it.
 */
export class MessageReader extends AbstractMessageReader {
  #waiting: Buffer[] = [];
  #size = 0;
  /** Bytes of the message whose header was read. */
  #wanted: number | undefined;

  /** @param refuse answers what is no message: with the code and the text of an error */
  constructor(
    readonly input: NodeJS.ReadableStream,
    readonly refuse: (code: number, message: string) => void,
  ) {
    super();
  }

  override listen(callback: DataCallback): Disposable {
    this.input.on("data", (chunk: Buffer) => {
      this.#waiting.push(chunk);
      this.#size += chunk.length;
      this.#read(callback);
    });
    this.input.on("end", () => this.fireClose());
    this.input.on("error", () => this.fireClose());
    return { dispose: () => this.input.removeAllListeners() };
  }

  #read(callback: DataCallback): void {
    for (;;) {
      if (this.#wanted !== undefined && this.#size < this.#wanted) return;
      const whole = Buffer.concat(this.#waiting);
      const rest = this.#wanted === undefined
        ? this.#header(whole)
        : this.#body(whole, this.#wanted, callback);
      if (rest === undefined) {
        this.#waiting = [whole];
        return;
      }
      this.#waiting = rest.length > 0 ? [rest] : [];
      this.#size = rest.length;
      if (this.#size === 0 && this.#wanted === undefined) return;
    }
  }

  /** Reads a header. @returns what is behind it; undefined where its end has not come */
  #header(whole: Buffer): Buffer | undefined {
    const end = whole.indexOf("\r\n\r\n");
    const header = whole.subarray(0, end < 0 ? whole.length : end).toString("latin1");
    if (end < 0) {
      if (whole.length <= longestHeader) return undefined;
      this.refuse(parseError, "the header of a message is too long");
      return whole.subarray(whole.length - 32);
    }
    // Whatever stands before the last header that fits is no header.
    const length = /(?:^|\n)Content-Length:[ \t]*(\d{1,12})[ \t]*(?:\r\n[^\r\n]*)*$/i.exec(header)
      ?.[1];
    if (length === undefined) this.refuse(parseError, "a message needs a header Content-Length");
    else if (Number(length) > longestMessage) {
      this.refuse(parseError, `a message of ${length} bytes is too long`);
    } else this.#wanted = Number(length);
    return whole.subarray(end + 4);
  }

  #body(whole: Buffer, length: number, callback: DataCallback): Buffer {
    this.#wanted = undefined;
    const text = whole.subarray(0, length).toString();
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      this.refuse(parseError, "the message is no JSON");
      return whole.subarray(length);
    }
    if (isMessage(value)) callback(value);
    else this.refuse(invalidRequest, 'the message is no request: it needs "jsonrpc" and "method"');
    return whole.subarray(length);
  }
}

function isMessage(value: unknown): value is Message {
  if (typeof value !== "object" || value === null || !("jsonrpc" in value)) return false;
  if ("method" in value) {
    const id = "id" in value ? value.id : undefined;
    const isId = id === undefined || id === null || typeof id === "string" ||
      typeof id === "number";
    const params = "params" in value ? value.params : undefined;
    const isParams = params === undefined || params === null || typeof params === "object";
    return typeof value.method === "string" && isId && isParams;
  }
  return "id" in value && ("result" in value || "error" in value);
}
