import { createInterface, type Interface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { WippyError } from "../../vm/error.ts";
import type { Terminal } from "../../operations/io/terminal.ts";

/** Lines that history keeps, at most. */
export const historyLimit = 1000;

/** What the lines are read from, and what helps to write them. */
export interface LineOptions {
  stdin: Readable & { isTTY?: boolean };
  stdout: Writable;
  stderr: Writable;
  /** The oldest first. */
  history: readonly string[];
  complete(text: string): Promise<string[]>;
  /** Told of each line that a person wrote. */
  written(line: string): void;
  /** Ctrl+C, while a line is written (true) or while none is asked for. */
  interrupted(writing: boolean): void;
}

/**
 * The lines of a session: read by one reader, in order, whoever asks. Code that runs may ask for a line too
 * (`io.readline`), so this is also its terminal.
 */
export class LineInput implements Terminal {
  readonly args: readonly string[] = [];
  readonly #options: LineOptions;
  readonly #interface: Interface;
  readonly #lines: string[] = [];
  readonly #waiting: ((line: string | undefined) => void)[] = [];
  #closed = false;
  #rest = new Uint8Array(0);

  constructor(options: LineOptions) {
    this.#options = options;
    const { stdin, stdout, history } = options;
    this.#interface = createInterface({
      input: stdin,
      output: stdout,
      terminal: stdin.isTTY === true,
      historySize: historyLimit,
      history: [...history].reverse(),
      completer: (text: string, done: (error: null, found: [string[], string]) => void) => {
        const word = /[\w.:]*$/.exec(text)![0];
        options.complete(text).then(
          (names) => done(null, [names, word]),
          () => done(null, [[], word]),
        );
      },
    });
    this.#interface.on("line", (line) => this.#take(line));
    this.#interface.on("close", () => this.#end());
    this.#interface.on("SIGINT", () => options.interrupted(this.#waiting.length > 0));
  }

  /** Whether a person sits at it. */
  get interactive(): boolean {
    return this.#options.stdin.isTTY === true;
  }

  #take(line: string): void {
    if (this.interactive) this.#options.written(line);
    const waiting = this.#waiting.shift();
    if (waiting) waiting(line);
    else this.#lines.push(line);
    // A long input is read as it is needed.
    if (this.#lines.length > 0) this.#interface.pause();
  }

  #end(): void {
    this.#closed = true;
    for (const waiting of this.#waiting.splice(0)) waiting(undefined);
  }

  /** The next line; undefined at the end. */
  next(prompt: string): Promise<string | undefined> {
    const line = this.#lines.shift();
    if (line !== undefined) return Promise.resolve(line);
    if (this.#closed) return Promise.resolve(undefined);
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      if (this.interactive) {
        this.#interface.setPrompt(prompt);
        this.#interface.prompt();
      } else this.#interface.resume();
    });
  }

  /** Drops what is written on the present line, and begins a new one. */
  clear(): void {
    this.#interface.write(null, { ctrl: true, name: "e" });
    this.#interface.write(null, { ctrl: true, name: "u" });
    this.#options.stdout.write("\n");
    for (const waiting of this.#waiting.splice(0, 1)) waiting("");
  }

  /** Writes text of the background above the line that is being written. */
  write(data: string | Uint8Array): void {
    const { stdout } = this.#options;
    if (!this.interactive || this.#waiting.length === 0) {
      stdout.write(data);
      return;
    }
    stdout.write("\r\x1b[K");
    stdout.write(data);
    this.#interface.prompt(true);
  }

  writeError(data: string | Uint8Array): void {
    this.#options.stderr.write(data);
  }

  async readLine(signal: AbortSignal): Promise<Uint8Array | undefined> {
    const line = await this.#asked(signal);
    return line === undefined ? undefined : new TextEncoder().encode(line);
  }

  async read(limit: number, signal: AbortSignal): Promise<Uint8Array | undefined> {
    if (this.#rest.length === 0) {
      const line = await this.#asked(signal);
      if (line === undefined) return undefined;
      this.#rest = new TextEncoder().encode(`${line}\n`);
    }
    const data = this.#rest.slice(0, limit);
    this.#rest = this.#rest.subarray(limit);
    return data;
  }

  #asked(signal: AbortSignal): Promise<string | undefined> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      const taken = (line: string | undefined) => resolve(line);
      signal.addEventListener("abort", () => {
        const index = this.#waiting.indexOf(taken);
        if (index >= 0) this.#waiting.splice(index, 1);
        reject(signal.reason);
      }, { once: true });
      const line = this.#lines.shift();
      if (line !== undefined || this.#closed) return resolve(line);
      this.#waiting.push(taken);
      this.#interface.setPrompt("");
      this.#interface.resume();
    });
  }

  raw(): boolean {
    throw new WippyError("Invalid", "the REPL owns the terminal", { retryable: false });
  }

  flush(): Promise<void> {
    return new Promise((resolve) => this.#options.stdout.write("", () => resolve()));
  }

  /** Releases the terminal. */
  close(): void {
    this.#interface.close();
  }
}
