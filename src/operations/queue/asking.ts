import { WippyError } from "../../vm/error.ts";
import type { LuaValue } from "../../vm/value.ts";
import type { OperationServices } from "../operation.ts";

/** Failures of transport, which somebody may try again; all others of a queue are Internal. */
const kept: ReadonlySet<string> = new Set(["Unavailable", "Timeout", "Canceled", "Invalid"]);

/** Checks that there is a queue. @throws WippyError Internal */
export function checkQueue(services: Pick<OperationServices, "entry">, id: string): void {
  const entry = services.entry(id);
  if (entry?.kind === "queue.queue") return;
  const message = entry
    ? `${id} is a ${entry.kind} entry; use the id of a queue.queue entry`
    : `queue not found: ${id}`;
  throw new WippyError("Internal", message, { retryable: false });
}

/** What a unit is told of a failure of its queue. */
export function queueFailure(error: unknown): WippyError {
  const failure = WippyError.from(error);
  if (kept.has(failure.kind)) return failure;
  return new WippyError("Internal", failure.message, { retryable: false, cause: error });
}

/** Checks that there is the queue and asks it. @throws WippyError as `checkQueue` and `queueFailure` say */
export async function askQueue(
  services: Pick<OperationServices, "entry">,
  id: string,
  ask: () => Promise<LuaValue>,
): Promise<LuaValue> {
  checkQueue(services, id);
  try {
    return await ask();
  } catch (error) {
    throw queueFailure(error);
  }
}
