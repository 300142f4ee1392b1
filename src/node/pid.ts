import { WippyError } from "../vm/error.ts";

/** The parts of `{node@host|uid}`. */
export interface Pid {
  host: string;
  /** `0x…` of a unit, the workflow id of a workflow. */
  uid: string;
}

/** @throws WippyError Invalid when the text is no PID */
export function parsePid(text: string): Pid {
  const match = /^\{(?:[^@|]*@)?([^|]*)\|(.+)\}$/s.exec(text);
  if (!match) {
    throw new WippyError("Invalid", `not a PID: ${text} ({host|id} expected)`, {
      retryable: false,
    });
  }
  return { host: match[1]!, uid: match[2]! };
}

/** The worker that a unit's PID carries in its low six bits; undefined for a workflow's PID. */
export function workerOf(pid: string): number | undefined {
  const match = /\|0x([0-9a-f]+)\}$/.exec(pid);
  return match ? Number(BigInt(`0x${match[1]}`) & 63n) : undefined;
}
