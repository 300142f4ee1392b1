import { WippyError } from "../../vm/error.ts";

/** Bytes that the outputs of one program may have, together. */
export class OutputLimit {
  readonly #limit: number | undefined;
  readonly #exceeded: () => void;
  #bytes = 0;

  /** @param exceeded called once, when there is more than the limit */
  constructor(limit: number | undefined, exceeded: () => void) {
    this.#limit = limit;
    this.#exceeded = exceeded;
  }

  /** Counts bytes. @throws WippyError Internal when they are too many */
  count(bytes: number): void {
    const before = this.#bytes;
    this.#bytes += bytes;
    if (this.#limit === undefined || this.#bytes <= this.#limit) return;
    if (before <= this.#limit) this.#exceeded();
    const message = `the program wrote more than ${this.#limit} bytes; raise max_output`;
    throw new WippyError("Internal", message, { retryable: false });
  }
}

/** An output of a program: it is read only as far as somebody asks. */
export class Output {
  readonly #next: () => Promise<Uint8Array | undefined>;
  readonly #limit: OutputLimit;
  #rest: Uint8Array = new Uint8Array();
  #turn: Promise<unknown> = Promise.resolve();
  #discarded = false;

  /** @param next the next bytes that there are, `undefined` at the end */
  constructor(next: () => Promise<Uint8Array | undefined>, limit: OutputLimit) {
    this.#next = next;
    this.#limit = limit;
  }

  async #more(): Promise<Uint8Array | undefined> {
    const bytes = await this.#next();
    if (bytes) this.#limit.count(bytes.length);
    return bytes;
  }

  /** Up to `size` bytes, none at the end. */
  read(size: number): Promise<Uint8Array> {
    const result = this.#turn.then(async () => {
      while (this.#rest.length === 0) {
        const next = this.#discarded ? undefined : await this.#more();
        if (next === undefined) return new Uint8Array();
        this.#rest = next;
      }
      const part = this.#rest.slice(0, size);
      this.#rest = this.#rest.subarray(size);
      return part;
    });
    this.#turn = result.catch(() => {});
    return result;
  }

  /** Reads the rest and throws it away, so that the program does not wait. */
  discard(): void {
    if (this.#discarded) return;
    this.#discarded = true;
    this.#turn = this.#turn.then(async () => {
      this.#rest = new Uint8Array();
      // Too much output ends the program; there is nothing else to tell of a failure here.
      while (await this.#more().catch(() => undefined) !== undefined);
    });
  }
}
