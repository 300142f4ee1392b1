import { PassThrough } from "node:stream";
import { serveEditor } from "../../../src/lsp/lsp.ts";

type Message = Record<string, unknown>;

interface Told {
  uri: string;
  version?: number;
  diagnostics: { code?: string; message: string; range: Range; data?: unknown }[];
}

interface Registration {
  method: string;
  registerOptions: unknown;
}

export interface Position {
  line: number;
  character: number;
}

export interface Range {
  start: Position;
  end: Position;
}

/** An editor that a test plays: it writes messages to a server, and reads what comes back. */
export class Editor {
  readonly #input = new PassThrough();
  readonly #output = new PassThrough();
  readonly #answers = new Map<number, (message: Message) => void>();
  readonly #told = new Map<string, Told>();
  readonly #waiting: { wanted: () => boolean; done: () => void }[] = [];
  /** What the server has registered later. */
  readonly registered: Registration[] = [];
  /** Answers to what was no request. */
  readonly errors: Message[] = [];
  #buffer = Buffer.alloc(0);
  #next = 1;
  readonly status: Promise<number>;

  constructor() {
    this.#output.on("data", (chunk: Buffer) => this.#read(chunk));
    this.status = serveEditor({ input: this.#input, output: this.#output, version: "0" });
  }

  #read(chunk: Buffer): void {
    this.#buffer = Buffer.concat([this.#buffer, chunk]);
    for (;;) {
      const end = this.#buffer.indexOf("\r\n\r\n");
      if (end < 0) return;
      const length = Number(
        /Content-Length: (\d+)/.exec(this.#buffer.toString("utf8", 0, end))![1],
      );
      if (this.#buffer.length < end + 4 + length) return;
      const text = this.#buffer.toString("utf8", end + 4, end + 4 + length);
      this.#buffer = this.#buffer.subarray(end + 4 + length);
      this.#take(JSON.parse(text) as Message);
    }
  }

  #take(message: Message): void {
    if (message["method"] === "textDocument/publishDiagnostics") {
      const told = message["params"] as Told;
      this.#told.set(told.uri, told);
    } else if (typeof message["method"] === "string" && message["id"] !== undefined) {
      const { registrations = [] } = message["params"] as { registrations?: Registration[] };
      for (const { method, registerOptions } of registrations) {
        this.registered.push({ method, registerOptions });
      }
      this.send({ jsonrpc: "2.0", id: message["id"], result: null });
    } else if (typeof message["id"] === "number") this.#answers.get(message["id"])?.(message);
    else if (message["error"] !== undefined) this.errors.push(message);
    for (const { wanted, done } of [...this.#waiting]) if (wanted()) done();
  }

  /** Writes bytes as they are. */
  write(text: string): void {
    this.#input.write(text);
  }

  send(message: unknown): void {
    const text = JSON.stringify(message);
    this.write(`Content-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`);
  }

  notify(method: string, params?: unknown): void {
    this.send({ jsonrpc: "2.0", method, params });
  }

  /** A request, and its whole answer. */
  ask(method: string, params?: unknown, begun?: (id: number) => void): Promise<Message> {
    const id = this.#next++;
    const { promise, resolve } = Promise.withResolvers<Message>();
    this.#answers.set(id, resolve);
    this.send({ jsonrpc: "2.0", id, method, params });
    begun?.(id);
    return promise;
  }

  /** A request, and its result. @throws Error for an error */
  async request<Result>(method: string, params?: unknown): Promise<Result> {
    const { result, error } = await this.ask(method, params);
    if (error !== undefined) throw new Error(JSON.stringify(error));
    return result as Result;
  }

  /** Waits until something holds, which is looked at after each message. */
  async until(wanted: () => boolean): Promise<void> {
    if (wanted()) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const waiting = { wanted, done: resolve };
    this.#waiting.push(waiting);
    await promise;
    this.#waiting.splice(this.#waiting.indexOf(waiting), 1);
  }

  /** Diagnostics of a document: those of a version, or those that fit. */
  async diagnostics(
    uri: string,
    wanted: (told: Told) => boolean = () => true,
  ): Promise<Told["diagnostics"]> {
    await this.until(() => {
      const told = this.#told.get(uri);
      return told !== undefined && wanted(told);
    });
    return this.#told.get(uri)!.diagnostics;
  }

  /** Says goodbye. @returns the server's exit status */
  async leave(): Promise<number> {
    await this.request("shutdown");
    this.notify("exit");
    return await this.status;
  }

  /** Ends the input without a word. */
  vanish(): void {
    this.#input.end();
  }
}
