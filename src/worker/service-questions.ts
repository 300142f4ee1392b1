import type { ServiceQuestion } from "../operations/operation.ts";
import type { Platform } from "../platform/platform.ts";
import { Simulation } from "../platform/simulation.ts";
import { pack } from "../vm/codec.ts";
import { WippyError } from "../vm/error.ts";
import type { LuaValue } from "../vm/value.ts";
import { CallsBySignal } from "../platform/calls-by-signal.ts";
import { type FromWorker, NODE } from "./messages.ts";
import {
  packQuestions,
  type QuestionItem,
  QUESTIONS_REQUEST,
  unpackAnswers,
} from "./question-messages.ts";

/** The ticket of the answers to questions; those of the kernel are above 0. */
export const QUESTIONS = -1;

/** What operations of this worker have asked services, which are on the node's thread. */
export class ServiceQuestions {
  /** See `OperationServices.ask`. */
  readonly ask: (question: ServiceQuestion) => Promise<LuaValue>;
  readonly #wake: () => void;
  readonly #open = new Map<
    number,
    PromiseWithResolvers<LuaValue> & { signal: AbortSignal | undefined }
  >();
  readonly #signals = new CallsBySignal<number>((call) => this.#add([call]));
  /** What goes to the node together: questions, and the numbers of those that are called off. */
  #items: QuestionItem[] = [];
  #last = 0;

  /** @param wake has `take` called at the next turn at the latest */
  constructor(platform: Platform, wake: () => void) {
    this.#wake = wake;
    // The answer comes from the simulated world.
    this.ask = platform instanceof Simulation
      ? (question) => platform.within(this.#ask(question))
      : (question) => this.#ask(question);
  }

  #add(item: QuestionItem): void {
    this.#items.push(item);
    if (this.#items.length === 1) this.#wake();
  }

  #ask({ service, operation, input, pid, signal }: ServiceQuestion): Promise<LuaValue> {
    if (signal?.aborted) {
      return Promise.reject(new WippyError("Canceled", "canceled", { retryable: false }));
    }
    const call = this.#last += 1;
    const answer = Promise.withResolvers<LuaValue>();
    this.#open.set(call, { ...answer, signal });
    if (signal) this.#signals.add(signal, call);
    this.#add([call, service, operation, input, pid]);
    return answer.promise;
  }

  /** What was asked and called off since the last time, as one message. */
  take(): FromWorker | undefined {
    if (this.#items.length === 0) return undefined;
    const items = this.#items;
    this.#items = [];
    const args = pack([packQuestions(items)]);
    return { type: "request", to: NODE, ticket: 0, op: QUESTIONS_REQUEST, args };
  }

  /** Takes packed answers of the node. */
  answered(packed: Uint8Array): void {
    for (const [call, value, error] of unpackAnswers(packed)) {
      if (error) this.#take(call)?.reject(error);
      else this.#take(call)?.resolve(value);
    }
  }

  /** Takes an answer of bytes that came by itself. */
  answeredBytes(call: number, bytes: Uint8Array): void {
    this.#take(call)?.resolve(bytes);
  }

  #take(call: number): PromiseWithResolvers<LuaValue> | undefined {
    const open = this.#open.get(call);
    this.#open.delete(call);
    if (open?.signal) this.#signals.delete(open.signal, call);
    return open;
  }
}
