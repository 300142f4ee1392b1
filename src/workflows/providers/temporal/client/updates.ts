import { temporal } from "../messages/messages.ts";
import { WippyError } from "../../../../vm/error.ts";
import { canceledFailure } from "../../../history/retry.ts";
import type { StartRequest, UpdateRequest, UpdateResult, UpdateStage } from "../../../provider.ts";
import { RpcError, type RpcRequest } from "../connection/connection.ts";
import { isRejection } from "../commands/updates.ts";
import { headerOf, packedResult, unpackedPayloads } from "../names.ts";
import { type ClientContext, notFound, ofWorkflow } from "./client.ts";
import { alreadyStarted, startMessage } from "./starts.ts";

const { UpdateWorkflowExecutionLifecycleStage: Stage } = temporal.api.enums.v1;

const stages: Readonly<Record<UpdateStage, number>> = {
  accepted: Stage.UPDATE_WORKFLOW_EXECUTION_LIFECYCLE_STAGE_ACCEPTED,
  completed: Stage.UPDATE_WORKFLOW_EXECUTION_LIFECYCLE_STAGE_COMPLETED,
};

/** Milliseconds that one request waits at the server before it is repeated. */
const waitTimeout = 30_000;

interface Answer {
  updateRef?: temporal.api.update.v1.IUpdateRef | null;
  outcome?: temporal.api.update.v1.IOutcome | null;
  stage?: number | null;
}

/** Delivers an update and waits until it reaches a stage. */
export async function updateRun(
  context: ClientContext,
  workflowId: string,
  request: UpdateRequest,
  stage: UpdateStage,
): Promise<UpdateResult> {
  const updateId = checkedUpdateId(request) ?? context.uuid();
  const message = updateMessage(context, workflowId, updateId, request, stage);
  for (;;) {
    const answer = await whileWaiting(
      ofUpdate(
        workflowId,
        context.connection.rpc("updateWorkflowExecution", message, {
          timeout: waitTimeout,
        }),
      ),
    );
    const result = answer && resultOf(context, updateId, answer, stage);
    if (result) return result;
    // It is delivered: the same request again only waits.
  }
}

/** Awaits an update that was delivered. */
export async function pollUpdate(
  context: ClientContext,
  workflowId: string,
  updateId: string,
  stage: UpdateStage,
): Promise<UpdateResult> {
  for (;;) {
    const polled = context.connection.rpc("pollWorkflowExecutionUpdate", {
      updateRef: { workflowExecution: { workflowId }, updateId },
      waitPolicy: { lifecycleStage: stages[stage] },
    }, { timeout: waitTimeout });
    const answer = await whileWaiting(polled.catch((error) => {
      if (WippyError.from(error).kind !== "NotFound") throw error;
      throw new WippyError("NotFound", `workflow ${workflowId} has no update ${updateId}`, {
        retryable: false,
        details: { workflow_id: workflowId, update_id: updateId },
      });
    }));
    const result = answer && resultOf(context, updateId, answer, stage);
    if (result) return result;
  }
}

/** Starts a run, or joins one, and delivers an update to it, in one request. */
export async function updateWithStart(
  context: ClientContext,
  start: StartRequest & { workflowId: string },
  request: UpdateRequest,
  stage: UpdateStage,
): Promise<UpdateResult> {
  const { workflowId } = start;
  const updateId = checkedUpdateId(request) ?? context.uuid();
  const known = await knownUpdate(context, workflowId, request, stage);
  if (known) return known;
  const { connection } = context;
  const { namespace, identity } = connection;
  const operations = [
    {
      startWorkflow: {
        namespace,
        identity,
        ...startMessage(context, start, workflowId, start.messages),
      },
    },
    {
      updateWorkflow: {
        namespace,
        ...updateMessage(context, workflowId, updateId, request, stage),
      },
    },
  ];
  for (;;) {
    const sent = connection.rpc("executeMultiOperation", { operations }, { timeout: waitTimeout });
    const done = await whileWaiting(sent.catch((error) => {
      throw ofOperations(error, workflowId);
    }));
    const answer = done?.responses[1]?.updateWorkflow;
    const runId = done?.responses[0]?.startWorkflow?.runId;
    if (runId) context.note(workflowId, runId);
    const result = answer && resultOf(context, updateId, answer, stage);
    if (result) return result;
  }
}

/** An update that the newest run knows already starts nothing. */
async function knownUpdate(
  context: ClientContext,
  workflowId: string,
  { updateId }: UpdateRequest,
  stage: UpdateStage,
): Promise<UpdateResult | undefined> {
  if (updateId === undefined) return undefined;
  try {
    return await pollUpdate(context, workflowId, updateId, stage);
  } catch (error) {
    if (WippyError.from(error).kind === "NotFound") return undefined;
    throw error;
  }
}

/** What one of the two operations was refused with. */
function ofOperations(error: unknown, workflowId: string): unknown {
  if (!(error instanceof RpcError)) return error;
  const { statuses = [] } = error.detail("MultiOperationExecutionFailure") ?? {};
  for (const { code, message, details } of statuses) {
    const aborted = details?.some(({ type_url }) =>
      type_url?.endsWith("MultiOperationExecutionAborted")
    );
    if (aborted || !code) continue;
    const started = details?.find(({ type_url }) =>
      type_url?.endsWith("WorkflowExecutionAlreadyStartedFailure")
    );
    if (started) {
      const { WorkflowExecutionAlreadyStartedFailure: Failure } = temporal.api.errordetails.v1;
      const { runId } = Failure.decode(started.value ?? new Uint8Array());
      return alreadyStarted(workflowId, runId);
    }
    if (code === 5) return notFound(workflowId, true);
    return new WippyError(code === 3 ? "Invalid" : "Internal", message ?? "", {
      retryable: false,
      cause: error,
    });
  }
  return error;
}

function updateMessage(
  { conversion, connection }: ClientContext,
  workflowId: string,
  updateId: string,
  { name, args, sender }: UpdateRequest,
  stage: UpdateStage,
) {
  return {
    workflowExecution: { workflowId },
    waitPolicy: { lifecycleStage: stages[stage] },
    request: {
      meta: { updateId, identity: connection.identity },
      input: {
        name,
        args: unpackedPayloads(conversion, args),
        header: headerOf(conversion, { sender }),
      },
    },
  } satisfies RpcRequest<"updateWorkflowExecution">;
}

async function ofUpdate<Value>(workflowId: string, request: Promise<Value>): Promise<Value> {
  try {
    return await ofWorkflow(workflowId, request);
  } catch (error) {
    const { kind, message } = WippyError.from(error);
    // The run continues as another one, which gets the update.
    if (kind === "Conflict" && /closing/i.test(message)) throw new StillWaiting();
    throw error;
  }
}

class StillWaiting extends Error {}

/** Returns undefined when the server has let the wait run out. */
async function whileWaiting<Value>(request: Promise<Value>): Promise<Value | undefined> {
  try {
    return await request;
  } catch (error) {
    if (error instanceof StillWaiting || WippyError.from(error).kind === "Timeout") {
      return undefined;
    }
    throw error;
  }
}

/** The state of an update from the server; undefined if it has not reached the stage. */
function resultOf(
  { conversion, note }: ClientContext,
  updateId: string,
  { updateRef, outcome, stage }: Answer,
  wanted: UpdateStage,
): UpdateResult | undefined {
  const { workflowId, runId = "" } = updateRef?.workflowExecution ?? {};
  if (workflowId && runId) note(workflowId, runId);
  const about = { updateId, runId: runId ?? "" };
  if (outcome?.failure) {
    const failure = conversion.ofFailure(outcome.failure);
    const type = outcome.failure.applicationFailureInfo?.type ?? "";
    if (type === "AcceptedUpdateCompletedWorkflow") {
      return {
        ...about,
        status: "failed",
        failure: {
          ...canceledFailure(`workflow ${workflowId} closed before the update was completed`),
          details: { workflow_id: workflowId, run_id: runId, update_id: updateId },
        },
      };
    }
    const rejected = stage !== stages.completed || isRejection(outcome.failure);
    return { ...about, status: rejected ? "rejected" : "failed", failure };
  }
  if (outcome?.success) {
    const { payloads } = outcome.success;
    return {
      ...about,
      status: "completed",
      ...payloads?.length ? { value: packedResult(conversion, outcome.success) } : {},
    };
  }
  if (wanted === "accepted" && (stage ?? 0) >= stages.accepted!) {
    return { ...about, status: "accepted" };
  }
  return undefined;
}

/** The id that the sender gave. @throws Invalid */
function checkedUpdateId({ updateId }: UpdateRequest): string | undefined {
  if (updateId === undefined || updateId !== "" && !/[|{}]/.test(updateId)) return updateId;
  throw new WippyError(
    "Invalid",
    `the update id "${updateId}" is empty or holds one of | { }; choose another, or leave it out`,
    { retryable: false },
  );
}
