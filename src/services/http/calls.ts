import { WippyError } from "../../vm/error.ts";
import { type LuaValue, numberOf } from "../../vm/value.ts";
import type { ServedCall } from "../context.ts";
import { type Exchange, type Handler, plain } from "./exchange.ts";
import type { HttpService } from "./schema.ts";
import { answerOf, responseOf, Served, type ServedAnswer } from "./served.ts";
import type { Serving } from "./serving.ts";
import type { Counts } from "./traffic.ts";

/** A request that waits for its function. */
interface Waiting {
  own: Served;
  exchange: Exchange;
  endpoint: string;
  func: string;
  /** The call, if it has been made. */
  serving?: ServedCall;
}

/** The requests that functions serve. */
export class Calls {
  readonly #serving: Serving;
  readonly #timeouts: HttpService["timeouts"];
  readonly #counts: Counts;
  readonly #served = new Map<number, Served>();
  #last = 0;

  constructor(serving: Serving, timeouts: HttpService["timeouts"], counts: Counts) {
    this.#serving = serving;
    this.#timeouts = timeouts;
    this.#counts = counts;
  }

  /** Serves the requests of an endpoint by a function. */
  handler(endpoint: string, func: string): Handler {
    return (exchange) => {
      const own = new Served(this.#last += 1, exchange, this.#timeouts.read);
      this.#served.set(own.id, own);
      if (own.hasSmallBody) return this.#wait({ own, exchange, endpoint, func });
      try {
        const serving = this.#serving.serve(func, exchange, own);
        if (serving.outcome === undefined || own.isOpen) {
          return this.#wait({ own, exchange, endpoint, func, serving });
        }
        this.#served.delete(own.id);
        return responseOf(this.#noted(serving.outcome, exchange, endpoint));
      } catch (error) {
        this.#served.delete(own.id);
        return this.#failed(WippyError.from(error), endpoint);
      }
    };
  }

  /** Converts the outcome of a call; a failure is logged. */
  #noted(outcome: LuaValue, exchange: Exchange, endpoint: string): ServedAnswer {
    const answer = answerOf(outcome);
    if (answer.failure !== undefined) {
      const { message } = WippyError.from(answer.failure);
      const { request, url } = exchange;
      const what = `${request.method} ${url.pathname} failed: ${message}`;
      this.#serving.log("error", what, { endpoint });
    }
    return answer;
  }

  #failed(failure: WippyError, endpoint: string, left = false): Response {
    if (failure.kind === "Timeout") return plain(503, "the request took too long");
    if (!left) {
      this.#serving.log("error", `${endpoint} failed: ${failure.message}`, { endpoint });
    }
    return plain(failure.kind === "Unavailable" ? 503 : 500, failure.message);
  }

  #wait({ own, exchange, endpoint, func, serving }: Waiting): Promise<Response> {
    return new Promise((respond, reject) => {
      const { signal } = exchange.request;
      let begun = false;
      let call = serving;
      let left = signal.aborted;
      const abort = () => {
        left = true;
        call?.cancel(canceled());
      };
      own.attach({
        begun: (response) => {
          // The response is in flight until its function has written it.
          begun = true;
          this.#counts.keep();
          respond(response);
        },
        gone: abort,
      });
      signal.addEventListener("abort", abort, { once: true });
      let stopClock: (() => void) | undefined;
      const outcome = async (): Promise<LuaValue> => {
        if (call === undefined) {
          if (left) throw canceled();
          call = this.#serving.serve(func, exchange, own);
        } else if (left) {
          abort();
        }
        if (call.outcome !== undefined) return call.outcome;
        stopClock = this.#limit(call, func);
        return await call.answer;
      };
      const work = async () => {
        try {
          if (call === undefined && own.hasSmallBody) {
            const late = await own.takeBody().catch((error: Error) => error);
            if (late) return plain(408, late.message, { connection: "close" });
          }
          return await own.finish(this.#noted(await outcome(), exchange, endpoint));
        } catch (error) {
          const failure = WippyError.from(error);
          own.fail(failure);
          return this.#failed(failure, endpoint, left);
        } finally {
          stopClock?.();
          signal.removeEventListener("abort", abort);
          this.#served.delete(own.id);
          if (begun) this.#counts.release();
          await own.close();
        }
      };
      work().then(respond, reject);
    });
  }

  /** Cancels a call that takes too long. Returns a function that stops the timer. */
  #limit(call: ServedCall, func: string): (() => void) | undefined {
    const { write } = this.#timeouts;
    if (write === undefined) return undefined;
    return this.#serving.platform.setTimer(write, () => {
      const message = `the call of ${func} timed out after ${write} ms`;
      call.cancel(new WippyError("Timeout", message, { retryable: true }));
    });
  }

  #find(input: LuaValue): Served {
    const own = this.#served.get(numberOf(input));
    if (own) return own;
    throw new WippyError("Internal", "the request has ended", { retryable: false });
  }

  /** Handles an operation of the module `http` on the request of a function. @throws WippyError */
  answer(operation: string, input: LuaValue): LuaValue | Promise<LuaValue> {
    if (operation === "describe") return this.#find(input).describe(this.#serving.entry.id);
    return this.#answer(operation, (input ?? {}) as Record<string, LuaValue>);
  }

  async #answer(operation: string, given: Record<string, LuaValue>): Promise<LuaValue> {
    const own = this.#find(given["id"]);
    const { timeout: time, rest } = given;
    const timeout = time === undefined || time === null ? undefined : numberOf(time);
    if (operation === "read") return await own.read(numberOf(given["size"]), timeout);
    if (operation === "form") {
      const body = numberOf(given["max_body"]);
      const first = typeof rest === "string" || rest instanceof Uint8Array
        ? Buffer.from(rest as string)
        : undefined;
      return await own.form(first, { memory: numberOf(given["max_memory"]), body, timeout });
    }
    if (operation === "form_read") {
      const { file, from, size } = given;
      return await own.formRead(numberOf(file), numberOf(from), numberOf(size));
    }
    if (operation === "write") {
      const data = given["data"];
      const part = data instanceof Uint8Array
        ? data
        : Buffer.from(typeof data === "string" ? data : "");
      await own.write((given["head"] ?? {}) as object, part);
      return true;
    }
    throw new WippyError("Invalid", `a server answers no ${operation}`, { retryable: false });
  }
}

function canceled(): WippyError {
  return new WippyError("Canceled", "operation canceled", { retryable: false });
}
