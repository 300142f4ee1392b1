import type { LogSink } from "../../observe/log.ts";
import { handleOnce } from "./signal-action.ts";

const signals = ["SIGINT", "SIGTERM"] as const;

/**
 * SIGINT and SIGTERM: the first one asks for an orderly end, the second one ends at once. While this thread stands
 * still, in Lua code that runs on it, nobody hears the first, and the operating system ends the process at the second.
 */
export class Shutdown {
  /** Fulfilled by the first signal. */
  readonly requested: Promise<void>;
  readonly #log: LogSink;
  readonly #exit: (status: number) => void;
  readonly #onSignal = (signal: NodeJS.Signals) => this.#receive(signal);
  #request!: () => void;
  #signals = 0;

  /**
   * @param log hears of the signals
   * @param exit ends the operating system's process at once
   */
  constructor(log: LogSink, exit: (status: number) => void) {
    this.#log = log;
    this.#exit = exit;
    this.requested = new Promise((resolve) => this.#request = resolve);
    for (const signal of signals) this.#listen(signal);
  }

  /** Restores the default handling of the signals. */
  dispose(): void {
    for (const signal of signals) process.off(signal, this.#onSignal);
  }

  #listen(signal: NodeJS.Signals): void {
    process.on(signal, this.#onSignal);
    handleOnce(signal);
  }

  #say(message: string, fields: Record<string, unknown> = {}): void {
    this.#log.log({ level: "info", time: Date.now(), logger: "runtime", message, fields });
  }

  #receive(signal: NodeJS.Signals): void {
    this.#signals++;
    if (this.#signals > 1) {
      this.#say("force exit");
      this.#exit(1);
      return;
    }
    // It was heard, so that the next one will be.
    process.off(signal, this.#onSignal);
    this.#listen(signal);
    this.#say("received shutdown signal", { signal });
    this.#say("shutting down (press Ctrl+C again to force exit)");
    this.#request();
  }
}
