import type { ServiceQuestion } from "../operations/operation.ts";
import type { Platform } from "../platform/platform.ts";
import { Simulation } from "../platform/simulation.ts";
import { pack, unpack } from "../vm/codec.ts";
import { WippyError } from "../vm/error.ts";
import type { LuaValue } from "../vm/value.ts";
import { type FromWorker, NODE } from "./messages.ts";

/** What operations of this worker have asked services, which are on the node's thread. */
export class ServiceQuestions {
  /** See `OperationServices.ask`. */
  readonly ask: (question: ServiceQuestion) => Promise<LuaValue>;
  /** An answer comes with the ticket, unless that is 0. */
  readonly #request: (ticket: number, op: string, input: LuaValue) => void;
  readonly #open = new Map<number, PromiseWithResolvers<LuaValue>>();
  /** The kernel's tickets are above 0, these are below. */
  #last = 0;

  /** @param send sends a message to the node, at the next turn at the latest */
  constructor(platform: Platform, send: (message: FromWorker) => void) {
    this.#request = (ticket, op, input) =>
      send({ type: "request", to: NODE, ticket, op, args: pack([input]) });
    // The answer comes from the simulated world.
    this.ask = platform instanceof Simulation
      ? (question) => platform.within(this.#ask(question))
      : (question) => this.#ask(question);
  }

  async #ask(
    { service, operation, input, pid, signal }: ServiceQuestion,
  ): Promise<LuaValue> {
    if (signal?.aborted) throw new WippyError("Canceled", "canceled", { retryable: false });
    const call = this.#last -= 1;
    const answer = Promise.withResolvers<LuaValue>();
    this.#open.set(call, answer);
    const cancel = () => this.#request(0, "services.cancel", { call });
    signal?.addEventListener("abort", cancel);
    try {
      this.#request(call, "services.ask", { service, operation, input, pid, frame: {}, call });
      return await answer.promise;
    } finally {
      this.#open.delete(call);
      signal?.removeEventListener("abort", cancel);
    }
  }

  /** Takes an answer of the node: packed `value, err`. @returns whether it was to one of these questions */
  answered(ticket: number, values: Uint8Array): boolean {
    if (ticket >= 0) return false;
    const [value, error] = unpack(values) as LuaValue[];
    const answer = this.#open.get(ticket);
    if (error instanceof WippyError) answer?.reject(error);
    else answer?.resolve(value);
    return true;
  }
}
