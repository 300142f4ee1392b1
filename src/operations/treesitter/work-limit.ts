import { WippyError } from "../../vm/error.ts";

/** Processor time that one call may take, in microseconds. */
const mostWork = 3_000_000;

function workOf(thread: NodeJS.CpuUsage): number {
  return thread.user + thread.system;
}

/** Bounds a call by the processor time of its thread, so that what else the machine does has no part in it. */
export class WorkLimit {
  exceeded = false;
  readonly #begun = workOf(process.threadCpuUsage());

  /** Whether to stop: the library asks again and again. */
  readonly stops = (): boolean =>
    this.exceeded ||= workOf(process.threadCpuUsage()) - this.#begun > mostWork;

  /** The failure of what was stopped. */
  failure(what: string): WippyError {
    const message = `${what} takes more than ${mostWork / 1_000_000} s`;
    return new WippyError("Timeout", message, { retryable: false });
  }
}
