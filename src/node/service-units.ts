import type { Platform } from "../platform/platform.ts";
import type {
  CallOptions,
  Frame,
  PackedDeliveries,
  ServedCall,
  StartedProcess,
} from "../services/context.ts";
import { WippyError } from "../vm/error.ts";
import { asLua, type LuaValue, PackedList } from "../vm/value.ts";
import { controlPid } from "./control.ts";
import type { Foreground } from "./foreground.ts";
import type { WorkerPool } from "./worker-pool.ts";
import type { FunctionCall } from "./worker-pool-options.ts";

/** What the pool of workers does for services. */
type Pool = Pick<
  WorkerPool,
  "askNow" | "call" | "leastLoaded" | "loadOf" | "running" | "spawn" | "standing"
>;

/** Milliseconds between two looks for a worker that runs. */
const patience = 100;

/** The functions and processes that services start. */
export class ServiceUnits {
  readonly #pool: Pool;
  readonly #foreground: Foreground;
  readonly #platform: Platform;

  /** Calls and messages of consumers that a worker has. */
  readonly #given = new Map<number, number>();

  constructor(pool: Pool, foreground: Foreground, platform: Platform) {
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
    { frame = {}, timeout, signal }: CallOptions = {},
  ): Promise<LuaValue> {
    if (signal?.aborted) throw canceled();
    const worker = this.#leastLoaded();
    const call = this.#pool.call(worker, [functionId, frame, ...args]);
    return await this.#wait(call, worker, 1, signal, this.#limit(call, functionId, timeout));
  }

  /** Calls a function for a request; see `ServiceUnits` of the services' context. @throws WippyError */
  serve(
    functionId: string,
    frame: Frame,
    checks: readonly { action: string; resource: string }[],
    request: LuaValue,
  ): ServedCall {
    const worker = this.#leastLoaded();
    const args = [checks.length > 0 && asLua(checks), request];
    const call = this.#pool.call(worker, [functionId, frame, ...args], "call_request");
    return {
      answer: this.#wait(call, worker, 1),
      cancel: (reason) => call.cancel(reason),
    };
  }

  /** Cancels a call after so many milliseconds. Returns what calls that off. */
  #limit(
    call: FunctionCall,
    functionId: string,
    timeout: number | undefined,
  ): (() => void) | undefined {
    if (timeout === undefined) return undefined;
    return this.#platform.setTimer(timeout, () => {
      const message = `the call of ${functionId} timed out after ${timeout} ms`;
      call.cancel(new WippyError("Timeout", message, { retryable: true }));
    });
  }

  /**
   * Calls a function for messages; see `ServiceUnits` of the services' context. Waits while all workers stand still: a
   * queue that was refused would deliver again at once, without end.
   *
   * @throws WippyError
   */
  async handle({ args, count }: PackedDeliveries, signal: AbortSignal): Promise<void> {
    let worker = this.#leastLoaded();
    while (this.#pool.standing(worker)) {
      await this.#pause(signal);
      worker = this.#leastLoaded();
    }
    const call = this.#pool.call(worker, new PackedList(args), "deliver");
    await this.#wait(call, worker, count, signal);
  }

  /** @throws WippyError Canceled after an abort */
  async #pause(signal: AbortSignal): Promise<void> {
    const over = Promise.withResolvers<void>();
    const stop = this.#platform.setTimer(patience, over.resolve);
    const abort = () => over.reject(canceled());
    signal.addEventListener("abort", abort, { once: true });
    if (signal.aborted) abort();
    try {
      await over.promise;
    } finally {
      stop();
      signal.removeEventListener("abort", abort);
    }
  }

  /**
   * The answer to a call that gives a worker so many units.
   *
   * @param signal cancels it
   * @param settled called when it has come
   * @throws WippyError
   */
  async #wait(
    call: FunctionCall,
    worker: number,
    units: number,
    signal?: AbortSignal,
    settled?: () => void,
  ): Promise<LuaValue> {
    const abort = signal && (() => call.cancel(canceled()));
    this.#given.set(worker, this.#givenTo(worker) + units);
    if (abort) signal.addEventListener("abort", abort, { once: true });
    try {
      return await call.answer;
    } finally {
      settled?.();
      if (abort) signal.removeEventListener("abort", abort);
      this.#given.set(worker, this.#givenTo(worker) - units);
    }
  }

  #givenTo(worker: number): number {
    return this.#given.get(worker) ?? 0;
  }

  /** As the pool's, but with what was given in this turn, which no worker has counted yet. */
  #leastLoaded(): number {
    let best: number | undefined, least = Infinity;
    for (const worker of this.#pool.running) {
      const weight = this.#pool.loadOf(worker) + this.#givenTo(worker);
      if (weight >= least || this.#pool.standing(worker)) continue;
      [best, least] = [worker, weight];
    }
    return best ?? this.#pool.leastLoaded();
  }
}

function canceled(): WippyError {
  return new WippyError("Canceled", "operation canceled", { retryable: false });
}
