/**
 * A debugger that is attached to a running runtime, from attach to detach.
 * @module
 */
import { randomUUID } from "node:crypto";
import { type Calls, runCall } from "../node/debugger/calls.ts";
import type { Debugger } from "../node/debugger/debugger.ts";
import type { DebugEvent } from "../node/debugger/target.ts";
import { WippyError } from "../vm/error.ts";

/** How often a debugger is asked whether it is there, in milliseconds. */
export const pulse = 5000;
/** Pulses without any call of the debugger after which it is gone. */
const mostUnanswered = 4;
/** Events that wait for a debugger that does not read them, at most. */
const mostWaiting = 10_000;
/** Calls that are not answered yet, at most. */
const mostCalls = 64;

/** What an attached debugger reads: that it is attached, what happens, and that it is to give a sign of life. */
export type DebugMessage =
  | { attached: string }
  | { event: DebugEvent }
  | { pulse: true };

/** One debugger that is attached. Where it is silent for too long, it is detached, and what stands goes on. */
export class DebugSession {
  /** Secret that its calls name. */
  readonly id = randomUUID();
  readonly #debug: Debugger;
  readonly #ended: (why: string) => void;
  readonly #waiting: DebugMessage[] = [{ attached: this.id }];
  readonly #timer: ReturnType<typeof setInterval>;
  #wake = () => {};
  #unanswered = 0;
  #calls = 0;
  #open = true;

  private constructor(debug: Debugger, interval: number, ended: (why: string) => void) {
    this.#debug = debug;
    this.#ended = ended;
    this.#timer = setInterval(() => this.#beat(), interval);
  }

  /**
   * Attaches.
   *
   * @param interval milliseconds between two pulses
   * @param ended hears why it has ended
   * @throws WippyError Conflict while another debugger is attached
   */
  static async open(
    debug: Debugger,
    interval: number,
    ended: (why: string) => void,
  ): Promise<DebugSession> {
    const session = new DebugSession(debug, interval, ended);
    try {
      await debug.attach((event) => session.#tell({ event }));
    } catch (error) {
      clearInterval(session.#timer);
      throw error;
    }
    return session;
  }

  #tell(message: DebugMessage): void {
    if (this.#waiting.length >= mostWaiting) return this.end("it reads too slowly");
    this.#waiting.push(message);
    this.#wake();
  }

  #beat(): void {
    this.#unanswered++;
    if (this.#unanswered > mostUnanswered) return this.end("it does not answer");
    this.#tell({ pulse: true });
  }

  /** The next messages; waits for one. Undefined once it has ended. */
  async next(): Promise<DebugMessage[] | undefined> {
    while (this.#open && this.#waiting.length === 0) {
      const waiting = Promise.withResolvers<void>();
      this.#wake = waiting.resolve;
      await waiting.promise;
    }
    return this.#open ? this.#waiting.splice(0) : undefined;
  }

  /** A sign of life. */
  isAlive(): void {
    this.#unanswered = 0;
  }

  /** Calls the debugger. @throws WippyError what it throws; RateLimited */
  async call(method: keyof Calls, args: readonly unknown[]): Promise<unknown> {
    this.isAlive();
    if (this.#calls >= mostCalls) {
      throw new WippyError("RateLimited", `${mostCalls} calls of the debugger are not done yet`, {
        retryable: true,
      });
    }
    this.#calls++;
    try {
      return await runCall(this.#debug, method, args);
    } finally {
      this.#calls--;
    }
  }

  /** Detaches: breakpoints are gone, what stands goes on. Twice is once. */
  end(why: string): void {
    if (!this.#open) return;
    this.#open = false;
    clearInterval(this.#timer);
    this.#wake();
    this.#ended(why);
    // Where the runtime is ending, its workers need not hear of it.
    this.#debug.detach().catch(() => {});
  }
}
