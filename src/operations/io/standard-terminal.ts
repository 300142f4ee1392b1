import type { Readable, Writable } from "node:stream";
import { WippyError } from "../../vm/error.ts";
import { Input } from "./input.ts";
import type { Terminal } from "./terminal.ts";

/** The three streams of a program. `stdin.setRawMode` is there when it is a terminal. */
export interface StandardStreams {
  stdin: Readable & { setRawMode?(enable: boolean): unknown; isTTY?: boolean };
  stdout: Writable;
  stderr: Writable;
}

/** Writes and remembers when the other side has gone: a broken pipe is told to the next writer. */
class Output {
  #failure: Error | undefined;

  constructor(readonly stream: Writable, readonly name: string) {
    stream.on("error", (error: Error) => {
      this.#failure ??= error;
    });
  }

  write(data: string | Uint8Array): void {
    if (this.#failure !== undefined) {
      const message = `${this.name}: ${this.#failure.message}`;
      throw new WippyError("Unavailable", message, { retryable: false, cause: this.#failure });
    }
    this.stream.write(data);
  }

  flush(): Promise<void> {
    if (this.#failure !== undefined) return Promise.resolve();
    return new Promise((resolve) => this.stream.write("", () => resolve()));
  }
}

/** The terminal of this program, for the processes of its terminal hosts. */
export class StandardTerminal {
  readonly #streams: StandardStreams;
  readonly #input: Input;
  readonly #output: Output;
  readonly #errorOutput: Output;
  #rawCount = 0;

  constructor(streams: StandardStreams) {
    this.#streams = streams;
    this.#input = new Input(streams.stdin);
    this.#output = new Output(streams.stdout, "standard output");
    this.#errorOutput = new Output(streams.stderr, "standard error");
  }

  /**
   * What one process gets. Its part of raw mode is undone by `release`, which must be called when
   * it ends.
   */
  attach(args: readonly string[]): Terminal & { release(): void } {
    let mine = 0;
    return {
      args,
      write: (data) => this.#output.write(data),
      writeError: (data) => this.#errorOutput.write(data),
      read: (limit, signal) => this.#input.read(limit, signal),
      readLine: (signal) => this.#input.readLine(signal),
      flush: async () => {
        await this.#output.flush();
        await this.#errorOutput.flush();
      },
      raw: (enable) => {
        if (enable) {
          this.#setRaw(1);
          mine += 1;
        } else if (mine > 0) {
          this.#setRaw(-1);
          mine -= 1;
        }
        return true;
      },
      release: () => {
        if (mine > 0) this.#setRaw(-mine);
        mine = 0;
      },
    };
  }

  #setRaw(change: number): void {
    const { stdin } = this.#streams;
    if (!stdin.isTTY || stdin.setRawMode === undefined) {
      throw new WippyError("Invalid", "the standard input is not a terminal", {
        retryable: false,
      });
    }
    const before = this.#rawCount > 0;
    this.#rawCount += change;
    const now = this.#rawCount > 0;
    if (before !== now) stdin.setRawMode(now);
  }
}
