import { machine } from "../../platform/machine.ts";

/** Milliseconds for which output waits for more. */
const patience = 50;

/** Writes at once what comes within a moment: a small test takes less time than to write a line. */
export class GatheredOutput {
  readonly #write: (bytes: Uint8Array) => void;
  #parts: Uint8Array[] = [];
  #cancel: (() => void) | undefined;

  constructor(write: (bytes: Uint8Array) => void) {
    this.#write = write;
  }

  readonly write = (text: string | Uint8Array): void => {
    this.#parts.push(typeof text === "string" ? Buffer.from(text) : text);
    this.#cancel ??= machine.setTimer(patience, () => this.flush());
  };

  /** Writes what waits. */
  flush(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    const parts = this.#parts.splice(0);
    if (parts.length > 0) this.#write(Buffer.concat(parts));
  }
}
