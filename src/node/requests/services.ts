import type { Caller } from "../../services/service.ts";
import { WippyError } from "../../vm/error.ts";
import { ofKernel } from "../../vm/value.ts";
import type { ToWorker } from "../../worker/messages.ts";
import {
  type AnswerItem,
  packAnswers,
  type QuestionItem,
  QUESTIONS_REQUEST,
  unpackQuestions,
} from "../../worker/question-messages.ts";
import { QUESTIONS } from "../../worker/service-questions.ts";
import type { Services } from "../services.ts";
import { any, type NodeRequest, request, type Requests, text } from "./request.ts";

/** Answers of more bytes than that are not packed together with others. */
const manyBytes = 65_536;

/** The unit behind a question. Few questions are called off, and not every service looks. */
class Asker implements Caller {
  readonly frame = {};
  #controller: AbortController | undefined;

  constructor(readonly pid: string, readonly worker: number, readonly gone: AbortSignal) {}

  get signal(): AbortSignal {
    return (this.#controller ??= new AbortController()).signal;
  }

  cancel(): void {
    void this.signal;
    this.#controller?.abort();
  }
}

/** Questions of workers, which are answered together as far as answers come together. */
class Questions {
  readonly #services: Pick<Services, "ask">;
  readonly #send: (worker: number, message: ToWorker) => void;
  readonly #defer: (flush: () => void) => void;
  /** By worker and number. */
  readonly #open = new Map<number, Map<number, Asker>>();
  readonly #answers = new Map<number, AnswerItem[]>();

  constructor(
    services: Pick<Services, "ask">,
    send: (worker: number, message: ToWorker) => void,
    defer: (flush: () => void) => void,
  ) {
    this.#services = services;
    this.#send = send;
    this.#defer = defer;
  }

  take(worker: number, items: readonly QuestionItem[], gone: AbortSignal): void {
    let open = this.#open.get(worker);
    if (!open) this.#open.set(worker, open = new Map());
    for (const item of items) {
      if (item.length === 1) open.get(item[0])?.cancel();
      else void this.#answer(worker, open, item, gone);
    }
  }

  async #answer(
    worker: number,
    open: Map<number, Asker>,
    [call, service, operation, input, pid]: Extract<QuestionItem, { length: 5 }>,
    gone: AbortSignal,
  ): Promise<void> {
    const asker = new Asker(pid, worker, gone);
    open.set(call, asker);
    let answer: AnswerItem;
    try {
      answer = [call, await this.#services.ask(service, operation, input, asker)];
    } catch (error) {
      answer = [call, undefined, WippyError.from(error)];
    }
    open.delete(call);
    if (!gone.aborted) this.#add(worker, answer);
  }

  #add(worker: number, answer: AnswerItem): void {
    const [call, bytes] = answer;
    if (bytes instanceof Uint8Array && bytes.length > manyBytes) {
      if (this.#open.has(worker)) this.#send(worker, { type: "answer_bytes", call, bytes });
      return;
    }
    const answers = this.#answers.get(worker);
    if (answers) {
      answers.push(answer);
      return;
    }
    this.#answers.set(worker, [answer]);
    this.#defer(() => {
      const all = this.#answers.get(worker)!;
      this.#answers.delete(worker);
      if (this.#open.has(worker)) {
        this.#send(worker, { type: "answer", ticket: QUESTIONS, values: packAnswers(all) });
      }
    });
  }

  /** Calls off what a worker that has died had asked. */
  workerDied(worker: number): void {
    const open = this.#open.get(worker);
    this.#open.delete(worker);
    for (const asker of open?.values() ?? []) asker.cancel();
  }
}

/**
 * What Lua modules and operations ask of the service of an entry, while it runs.
 *
 * @param send sends a message to a worker
 * @param defer calls back at the end of this turn of the event loop: each of many sockets may bring an answer
 */
export function serviceRequests(
  services: Pick<Services, "ask">,
  send: (worker: number, message: ToWorker) => void,
  defer: (flush: () => void) => void,
): { requests: Requests; workerDied(worker: number): void } {
  const questions = new Questions(services, send, defer);
  /** Aborted when the worker has died. */
  const workers = new Map<number, AbortController>();
  const workerOf = (index: number) => {
    const present = workers.get(index) ?? new AbortController();
    workers.set(index, present);
    return present.signal;
  };
  /** Packed by the worker itself. */
  const together: NodeRequest = {
    answer(_name, origin, [packed]) {
      questions.take(origin, unpackQuestions(ofKernel<Uint8Array>(packed)), workerOf(origin));
      return true;
    },
  };
  const requests: Requests = {
    "services.ask": request(
      { service: text, operation: text, input: any, pid: text, frame: any },
      ({ service, operation, input, pid, frame }, origin) => {
        const { signal } = new AbortController();
        const caller = { pid, frame, signal, gone: workerOf(origin) };
        return services.ask(service, operation, input, caller);
      },
    ),
    [QUESTIONS_REQUEST]: together,
  };
  return {
    requests,
    workerDied(worker) {
      questions.workerDied(worker);
      workers.get(worker)?.abort();
      workers.delete(worker);
    },
  };
}
