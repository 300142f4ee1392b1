import type { Addon } from "./addon.ts";
import type { CoreLogRecord } from "./settings.ts";

type Runtime = ReturnType<Addon["newRuntime"]>;
type Listener = (record: CoreLogRecord) => void;

const levels: Readonly<Record<string, CoreLogRecord["level"]>> = {
  TRACE: "debug",
  DEBUG: "debug",
  INFO: "info",
  WARN: "warn",
  ERROR: "error",
};

/** Core's threads: one set for each of our threads, while a connection is open. */
export class CoreRuntime {
  static #current: CoreRuntime | undefined;

  readonly native: Runtime;
  readonly #addon: Addon;
  #holders = 0;
  readonly #listeners: Listener[] = [];

  private constructor(addon: Addon) {
    this.#addon = addon;
    this.native = addon.newRuntime({
      logExporter: {
        type: "forward",
        filter: "temporalio_sdk_core=WARN,temporal_sdk_core=WARN,temporal_client=WARN",
        // Core ends the process when its receiver returns something or throws.
        receiver: (entries) => {
          for (const entry of entries) this.#forward(entry);
        },
      },
      telemetry: { attachServiceName: true, metricPrefix: "temporal_" },
      metricsExporter: null,
      workerHeartbeatIntervalMillis: null,
    });
  }

  /** Returns the thread's runtime, which lives until every caller has released it. */
  static acquire(addon: Addon, log?: Listener): CoreRuntime {
    const runtime = CoreRuntime.#current ??= new CoreRuntime(addon);
    runtime.#holders++;
    if (log) runtime.#listeners.push(log);
    return runtime;
  }

  /** Releases the runtime; the last release ends its threads. */
  release(): void {
    if (--this.#holders > 0) return;
    CoreRuntime.#current = undefined;
    this.#addon.runtimeShutdown(this.native);
  }

  /** Records belong to no connection, so the first one that listens gets them. */
  #forward(text: string): void {
    try {
      const { level, message, target, fields } = JSON.parse(text);
      this.#listeners[0]?.({
        level: levels[level] ?? "warn",
        message: String(message),
        fields: { target, ...fields },
      });
    } catch {
      // A log record that cannot be read or written must not end the process.
    }
  }
}
