import type { Readable } from "node:stream";
import { WippyError } from "../../vm/error.ts";
import { Input } from "./input.ts";
import { type Output, standardError, standardOutput } from "./output.ts";
import type { Terminal } from "./terminal.ts";

/** The three streams of a program. The input is made when it is first read. */
export interface StandardStreams {
  /** `setRawMode` is there when it is a terminal. */
  readonly stdin: Readable & { setRawMode?(enable: boolean): unknown; isTTY?: boolean };
  readonly stdout: Output;
  readonly stderr: Output;
}

/** Those of this program. */
export const standardStreams: StandardStreams = {
  get stdin() {
    return process.stdin;
  },
  stdout: standardOutput,
  stderr: standardError,
};

/** The terminal of this program, for the processes of its terminal hosts. */
export class StandardTerminal {
  readonly #streams: StandardStreams;
  #madeInput: Input | undefined;
  #rawCount = 0;

  constructor(streams: StandardStreams) {
    this.#streams = streams;
  }

  get #input(): Input {
    return this.#madeInput ??= new Input(this.#streams.stdin);
  }

  /**
   * What one process gets. Its part of raw mode is undone by `release`, which must be called when
   * it ends.
   */
  attach(args: readonly (string | Uint8Array)[]): Terminal & { release(): void } {
    let mine = 0;
    const { stdout, stderr } = this.#streams;
    return {
      args,
      write: (data) => stdout.write(data),
      writeError: (data) => stderr.write(data),
      read: (limit, signal) => this.#input.read(limit, signal),
      readNow: (limit) => this.#input.readNow(limit),
      readLine: (signal) => this.#input.readLine(signal),
      flush: async () => {
        await stdout.flush();
        await stderr.flush();
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
