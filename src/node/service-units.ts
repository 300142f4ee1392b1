import type { Platform } from "../platform/platform.ts";
import type { CallOptions, Frame, StartedProcess } from "../services/context.ts";
import { WippyError } from "../vm/error.ts";
import { asLua, type LuaValue } from "../vm/value.ts";
import { controlPid } from "./control.ts";
import type { Foreground } from "./foreground.ts";
import type { WorkerPool } from "./worker-pool.ts";

/** The functions and processes that services start. */
export class ServiceUnits {
  readonly #pool: WorkerPool;
  readonly #foreground: Foreground;
  readonly #platform: Platform;

  /** Messages that a worker has of consumers. */
  readonly #given = new Map<number, number>();

  constructor(pool: WorkerPool, foreground: Foreground, platform: Platform) {
    this.#pool = pool;
    this.#foreground = foreground;
    this.#platform = platform;
  }

  /** Starts a process; see `ServiceUnits` of the services' context. @throws WippyError */
  async spawn(
    process: string,
    host: string,
    frame: Frame,
    args: LuaValue[],
  ): Promise<StartedProcess> {
    const terminal = this.#foreground.has(host);
    const worker = terminal ? 0 : this.#pool.leastLoaded();
    if (terminal) this.#foreground.arguments = args.map(String);
    const { pid, ended } = await this.#pool.spawn(worker, process, host, frame, args);
    if (terminal) this.#foreground.endsWith(ended);
    return {
      pid,
      ended,
      cancel: async (reason) => {
        await this.#pool.askNow(worker, "cancel", pid, controlPid, reason);
      },
      terminate: async () => {
        await this.#pool.askNow(worker, "terminate", pid);
      },
    };
  }

  /** Calls a function; see `ServiceUnits` of the services' context. @throws WippyError */
  async call(
    functionId: string,
    args: LuaValue[],
    { frame = {}, timeout, signal, request }: CallOptions = {},
  ): Promise<LuaValue> {
    const controller = new AbortController();
    const abort = () => controller.abort(canceled());
    if (signal?.aborted) throw canceled();
    signal?.addEventListener("abort", abort, { once: true });
    const cancelTimer = timeout !== undefined && this.#platform.setTimer(timeout, () => {
      const message = `the call of ${functionId} timed out after ${timeout} ms`;
      controller.abort(new WippyError("Timeout", message, { retryable: true }));
    });
    try {
      const worker = this.#pool.leastLoaded();
      const served = request !== undefined;
      const given = served ? [request] : args;
      const op = served ? "call_request" : "call";
      return await this.#pool.call(worker, functionId, frame, given, controller.signal, op);
    } finally {
      signal?.removeEventListener("abort", abort);
      if (cancelTimer) cancelTimer();
    }
  }

  /** Calls a function for messages; see `ServiceUnits` of the services' context. @throws WippyError */
  async handle(
    functionId: string,
    frame: Frame,
    consumer: string,
    items: readonly [delivery: LuaValue, body: LuaValue][],
    signal: AbortSignal,
  ): Promise<void> {
    const worker = this.#leastLoaded();
    const args = [consumer, asLua(items)];
    this.#given.set(worker, this.#givenTo(worker) + items.length);
    try {
      await this.#pool.call(worker, functionId, frame, args, signal, "deliver");
    } finally {
      this.#given.set(worker, this.#givenTo(worker) - items.length);
    }
  }

  #givenTo(worker: number): number {
    return this.#given.get(worker) ?? 0;
  }

  /** As the pool's, but with the messages that were given in this turn, which no worker has counted yet. */
  #leastLoaded(): number {
    const weight = (worker: number) => this.#pool.loadOf(worker) + this.#givenTo(worker);
    const [first, ...others] = this.#pool.running.filter((worker) => !this.#pool.standing(worker));
    if (first === undefined) return this.#pool.leastLoaded();
    return others.reduce((best, other) => weight(other) < weight(best) ? other : best, first);
  }
}

function canceled(): WippyError {
  return new WippyError("Canceled", "operation canceled", { retryable: false });
}
