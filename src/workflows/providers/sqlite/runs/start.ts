import { WippyError } from "../../../../vm/error.ts";
import type { IdConflictPolicy, StartOptions } from "../../../options/options.ts";
import type {
  Signal,
  StartRequest,
  StartResult,
  UpdateRequest,
  UpdateResult,
} from "../../../provider.ts";
import type { Transaction } from "../transaction/transaction.ts";
import { terminateRun } from "./close.ts";
import { createRun, type NewRun, releaseRun } from "./create.ts";
import { notFound, type RunState, type RunTerms } from "../store/run-states.ts";
import { signalRun } from "./signal.ts";
import type { Waiter } from "../transaction/update-waits.ts";
import { checkedUpdateId, knownUpdate, updateRun } from "./update.ts";

/**
 * Starts a run, or hands back an existing one as the id policies say.
 *
 * @param schedule the schedule that starts it, and as which of its actions.
 * @throws Invalid, AlreadyExists, NotFound; nothing is written then.
 */
export function startRun(
  tx: Transaction,
  request: StartRequest,
  schedule?: RunTerms["schedule"],
): StartResult {
  const { options = {} } = request;
  const workflowId = checkedId(request.workflowId ?? tx.random.uuid());
  const conflict = options.idConflictPolicy ??
    (options.errorWhenAlreadyStarted || request.workflowId === undefined ? "fail" : "use_existing");
  const existing = admit(tx, workflowId, conflict, options);
  if (existing) return joinRun(tx, existing, request.messages ?? []);
  const state = createRun(tx, {
    workflowId,
    entry: request.entry,
    hostId: request.hostId,
    args: request.args,
    frame: request.frame,
    memo: request.memo,
    searchAttributes: request.searchAttributes,
    options,
    messages: request.messages ?? [],
    schedule,
  });
  return resultOf(tx, state, false);
}

/**
 * Starts a run, or joins an existing one as the id policies say, and delivers an update to it. An update
 * that the newest chain of the workflow id knows already is not delivered again, and nothing is started.
 *
 * @returns what became of the update; undefined when `waiter` is answered later.
 * @throws Invalid, AlreadyExists, NotFound; nothing is written then.
 */
export function updateWithStart(
  tx: Transaction,
  request: StartRequest & { workflowId: string },
  update: UpdateRequest,
  waiter: Waiter,
): UpdateResult | undefined {
  const { workflowId } = request;
  const updateId = checkedUpdateId(update);
  const known = updateId !== undefined && knownUpdate(tx, workflowId, updateId);
  if (!known) {
    const { runId } = startRun(tx, request);
    // One that is handed back though it is closed takes no update.
    const state = tx.runs.byId(runId);
    if (state?.status !== "running") throw notFound(workflowId, state);
  }
  return updateRun(tx, workflowId, update, waiter);
}

/** Starts a child. @throws Invalid, AlreadyExists; nothing is written then. */
export function startChildRun(tx: Transaction, request: NewRun): RunState {
  checkedId(request.workflowId);
  const { options } = request;
  // A child is its parent's own: it is never joined to a run that is there already.
  const conflict = options.idConflictPolicy === "terminate_existing"
    ? "terminate_existing"
    : "fail";
  admit(tx, request.workflowId, conflict, options);
  return createRun(tx, request);
}

/**
 * Applies the id policies.
 *
 * @returns the run to hand back instead of starting one.
 * @throws AlreadyExists.
 */
function admit(
  tx: Transaction,
  workflowId: string,
  conflict: IdConflictPolicy,
  options: StartOptions,
): RunState | undefined {
  const last = tx.runs.newest(workflowId);
  if (!last) return undefined;
  if (last.status === "running") {
    if (conflict === "terminate_existing") {
      terminateRun(tx, last, "replaced by a new run");
      return undefined;
    }
  } else {
    const reuse = options.idReusePolicy ?? "allow_duplicate";
    if (reuse === "allow_duplicate") return undefined;
    if (reuse === "allow_duplicate_failed_only" && last.status !== "completed") return undefined;
  }
  if (conflict === "use_existing") return last;
  throw new WippyError(
    "AlreadyExists",
    `workflow ${workflowId} is already started (${last.status})`,
    {
      retryable: false,
      details: { workflow_id: workflowId, run_id: last.runId },
    },
  );
}

function joinRun(tx: Transaction, state: RunState, messages: Signal[]): StartResult {
  if (messages.length > 0) {
    if (state.status !== "running") throw notFound(state.workflowId, state);
    for (const message of messages) signalRun(tx, state, message);
    releaseRun(tx, state);
  }
  return resultOf(tx, state, true);
}

function resultOf(tx: Transaction, state: RunState, existed: boolean): StartResult {
  return { workflowId: state.workflowId, runId: state.runId, pid: tx.pidOf(state), existed };
}

function checkedId(workflowId: string): string {
  if (workflowId !== "" && !workflowId.includes("|")) return workflowId;
  throw new WippyError(
    "Invalid",
    workflowId === ""
      ? "the workflow id is empty; leave it out to have one made"
      : `the workflow id ${workflowId} holds "|", which separates the parts of a PID; ` +
        "choose another",
    { retryable: false },
  );
}
