import type { LogSink } from "../../observe/log.ts";

/** SIGINT and SIGTERM: the first one asks for an orderly end, the second one ends at once. */
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
    process.on("SIGINT", this.#onSignal);
    process.on("SIGTERM", this.#onSignal);
  }

  /** Restores the default handling of the signals. */
  dispose(): void {
    process.off("SIGINT", this.#onSignal);
    process.off("SIGTERM", this.#onSignal);
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
    this.#say("received shutdown signal", { signal });
    this.#say("shutting down (press Ctrl+C again to force exit)");
    this.#request();
  }
}
