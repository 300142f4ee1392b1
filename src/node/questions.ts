import { WippyError } from "../vm/error.ts";
import type { LuaValue } from "../vm/value.ts";

interface Open {
  worker: number;
  /** Whoever asked does not wait for a worker that stands still. */
  hurried: boolean;
  resolve(values: LuaValue[]): void;
  reject(error: Error): void;
}

/** What the node has asked workers and waits for, by ticket. */
export class Questions {
  readonly #open = new Map<number, Open>();
  #last = 0;

  /** A new question to a worker: its ticket, and the values of its answer. */
  ask(worker: number): { ticket: number; answer: Promise<LuaValue[]> } {
    const ticket = ++this.#last;
    const { promise, resolve, reject } = Promise.withResolvers<LuaValue[]>();
    this.#open.set(ticket, { worker, hurried: false, resolve, reject });
    return { ticket, answer: promise };
  }

  /** The answer has come; one that nobody waits for any more is passed over. */
  answer(ticket: number, values: LuaValue[]): void {
    this.#open.get(ticket)?.resolve(values);
    this.#open.delete(ticket);
  }

  /** Nobody waits for an answer any more. */
  forget(ticket: number): void {
    this.#open.delete(ticket);
  }

  /** Nobody waits for an answer any more, but for this error. Returns whether the answer had not come. */
  reject(ticket: number, error: WippyError): boolean {
    this.#open.get(ticket)?.reject(error);
    return this.#open.delete(ticket);
  }

  /** Whoever asked does not wait for a worker that stands still. */
  hurry(ticket: number): void {
    const question = this.#open.get(ticket);
    if (question) question.hurried = true;
  }

  /** A worker stands still: who is in a hurry need not wait. */
  refuse(worker: number, error: WippyError): void {
    for (const [ticket, { worker: owner, hurried, reject }] of this.#open) {
      if (owner !== worker || !hurried) continue;
      this.#open.delete(ticket);
      reject(error);
    }
  }

  /** A worker died: all that it was asked fails. */
  fail(worker: number, error: WippyError): void {
    for (const [ticket, { worker: owner, reject }] of this.#open) {
      if (owner !== worker) continue;
      this.#open.delete(ticket);
      reject(error);
    }
  }
}

/** The value of an answer of a kernel: `value, err`. @throws WippyError err */
export async function valueOf(answer: Promise<LuaValue[]>): Promise<LuaValue> {
  const [value, error] = await answer;
  if (error instanceof WippyError) throw error;
  return value;
}

/** The failure of a request to a worker that is not there. */
export function notFound(index: number): WippyError {
  return new WippyError("NotFound", `process not found: its worker ${index} is gone`, {
    retryable: false,
  });
}
