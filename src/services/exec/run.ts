import type { OutputName } from "../../operations/exec/requests.ts";
import type { Platform } from "../../platform/platform.ts";
import { WippyError } from "../../vm/error.ts";
import { type Program, SIGKILL, SIGTERM } from "./program.ts";

function invalid(message: string): WippyError {
  return new WippyError("Invalid", message, { retryable: false });
}

/** Waits for work, unless nobody waits any more. @throws WippyError Canceled */
async function whileWanted<Result>(work: Promise<Result>, signal: AbortSignal): Promise<Result> {
  const canceled = Promise.withResolvers<never>();
  const cancel = () =>
    canceled.reject(new WippyError("Canceled", "operation canceled", { retryable: false }));
  if (signal.aborted) cancel();
  signal.addEventListener("abort", cancel, { once: true });
  try {
    return await Promise.race([work, canceled.promise]);
  } finally {
    signal.removeEventListener("abort", cancel);
    work.catch(() => {});
  }
}

/** A program of a unit, from its making to its end. */
export class Run {
  readonly #program: Program;
  readonly #platform: Platform;
  readonly #grace: number;
  readonly #taken = new Set<OutputName>();
  #state: "new" | "started" | "failed" | "ended" = "new";
  #waited = false;

  /** @param grace milliseconds that it has after SIGTERM, before it is killed */
  constructor(program: Program, platform: Platform, grace: number) {
    this.#program = program;
    this.#platform = platform;
    this.#grace = grace;
  }

  /** Whether it runs now. */
  get running(): boolean {
    return this.#state === "started";
  }

  /** Starts it. @throws WippyError Invalid when it has been started */
  async start(): Promise<void> {
    if (this.#state !== "new") throw invalid("the program is already started");
    this.#state = "started";
    try {
      await this.#program.start();
    } catch (error) {
      this.#state = "failed";
      throw error;
    }
    const ended = () => void (this.#state = "ended");
    this.#program.exited.then(ended, ended);
  }

  #mustBeStarted(): void {
    if (this.#state === "new") throw invalid("the program is not started");
    if (this.#state === "failed") throw invalid("the program could not be started");
  }

  /** Waits for its end. Outputs that nobody took are thrown away. @throws WippyError Invalid, Canceled */
  async wait(signal: AbortSignal): Promise<number> {
    this.#mustBeStarted();
    if (this.#waited) throw invalid("the program is closed");
    for (const output of ["stdout", "stderr"] as const) {
      if (!this.#taken.has(output)) this.#program.discard(output);
    }
    const code = await whileWanted(this.#program.exited, signal);
    this.#waited = true;
    return code;
  }

  /** Says that an output will be read. @throws WippyError Invalid */
  take(output: OutputName): void {
    if (!this.#program.early) this.#mustBeStarted();
    this.#taken.add(output);
  }

  /** Bytes of an output, none at its end. @throws WippyError */
  async read(output: OutputName, size: number, signal: AbortSignal): Promise<Uint8Array> {
    return await whileWanted(this.#program.read(output, size), signal);
  }

  /** Throws the rest of an output away. */
  drop(output: OutputName): void {
    this.#program.discard(output);
  }

  /** Writes to the input; no bytes close it. @throws WippyError */
  async write(data: Uint8Array, signal: AbortSignal): Promise<void> {
    this.#mustBeStarted();
    const work = data.length === 0 ? this.#program.closeInput() : this.#program.write(data);
    await whileWanted(work, signal);
  }

  /** @throws WippyError Invalid when it is not started, Internal when it has ended */
  async signal(number: number): Promise<void> {
    this.#mustBeStarted();
    if (this.#state === "ended") {
      throw new WippyError("Internal", "the program has ended", { retryable: false });
    }
    await this.#program.signal(number);
  }

  /** Asks it to end; it is killed when it does not. @throws WippyError Invalid when it was not started */
  async close(force: boolean): Promise<void> {
    this.#mustBeStarted();
    await this.end(force);
  }

  /** As `close`, whatever state it is in. Never fails. Fulfilled before it has ended, see `gone`. */
  async end(force: boolean): Promise<void> {
    for (const output of ["stdout", "stderr"] as const) this.#program.discard(output);
    if (!this.running) return;
    await this.#program.signal(force ? SIGKILL : SIGTERM).catch(() => {});
    if (force) return;
    const cancel = this.#platform.setTimer(
      this.#grace,
      () => void this.#program.signal(SIGKILL).catch(() => {}),
    );
    this.#program.exited.then(cancel, cancel);
  }

  /** Fulfilled when it has ended, if it has started. */
  async gone(): Promise<void> {
    if (this.running) await this.#program.exited.then(() => {}, () => {});
  }
}
