import { WippyError } from "../../../../vm/error.ts";
import { unpack } from "../../../../vm/codec.ts";
import type { LuaValue } from "../../../../vm/value.ts";
import { workflowPid } from "../../../pid.ts";
import type { Signal, StartRequest, StartResult } from "../../../provider.ts";
import { RpcError, type RpcRequest } from "../connection/connection.ts";
import { conflictPolicies, reusePolicies, runOptions } from "../commands/policies.ts";
import { memoFields, texts } from "../commands/fields.ts";
import { writeAttributes } from "../history/attributes.ts";
import { type CallInfo, type CarriedMessage, headerOf, unpackedPayloads } from "../names.ts";
import { duration } from "../proto.ts";
import { type ClientContext, notFound } from "./client.ts";
import { knownAttributes } from "./search-attributes.ts";

/** Starts a run, or returns an existing one, according to the id policies. @throws WippyError Invalid, AlreadyExists */
export async function startRun(
  context: ClientContext,
  request: StartRequest,
): Promise<StartResult> {
  const { messages = [] } = request;
  const workflowId = checkedId(request.workflowId ?? context.uuid());
  const conflict = conflictOf(request);
  const result = (runId: string, existed: boolean): StartResult => {
    context.note(workflowId, runId);
    const pid = workflowPid(context.node, request.hostId, workflowId);
    return { workflowId, runId, pid, existed };
  };
  const [first] = messages;
  try {
    return await knownAttributes(context, request.searchAttributes, async () => {
      if (first && conflict !== "fail") {
        const { runId, started } = await context.connection.rpc(
          "signalWithStartWorkflowExecution",
          {
            // The start and the signal have one header.
            ...startMessage(context, request, workflowId, messages.slice(1), {
              sender: first.sender,
              signaled: true,
            }),
            signalName: first.name,
            signalInput: unpackedPayloads(context.conversion, first.payloads),
          },
        );
        return result(runId, started === false);
      }
      const start = startMessage(context, request, workflowId, messages);
      const { runId, started } = await context.connection.rpc("startWorkflowExecution", start);
      return result(runId, started === false);
    });
  } catch (error) {
    const existing = error instanceof RpcError &&
      error.detail("WorkflowExecutionAlreadyStartedFailure");
    if (!existing) throw error;
    if (conflict !== "use_existing") throw alreadyStarted(workflowId, existing.runId);
    // It is closed, and the policies of the id do not let another one follow.
    if (first) throw notFound(workflowId, true);
    return result(existing.runId, true);
  }
}

export function alreadyStarted(workflowId: string, runId: string): WippyError {
  return new WippyError("AlreadyExists", `workflow ${workflowId} is already started`, {
    retryable: false,
    details: { workflow_id: workflowId, run_id: runId },
  });
}

function conflictOf({ workflowId, options = {} }: StartRequest) {
  return options.idConflictPolicy ??
    (options.errorWhenAlreadyStarted || workflowId === undefined ? "fail" : "use_existing");
}

/**
 * The request of a start.
 *
 * @param messages come with it, after the signal if it brings one
 * @param more what its header says besides: of a signal that comes with it, its sender
 */
export function startMessage(
  context: ClientContext,
  request: StartRequest,
  workflowId: string,
  messages: readonly Signal[] = [],
  more: Partial<CallInfo> = {},
) {
  const { conversion, queueOf, uuid } = context;
  const { entry, hostId, args, frame, memo, searchAttributes, options = {} } = request;
  const info: CallInfo = {
    host: hostId,
    ...more,
  };
  return {
    requestId: uuid(),
    workflowId,
    workflowType: { name: conversion.types.typeOf(entry) },
    taskQueue: { name: options?.taskQueue ?? queueOf(hostId) },
    input: unpackedPayloads(conversion, args),
    header: headerOf(conversion, info, frame, messages.map(carried)),
    ...runOptions({
      ...context.taskTimeout !== undefined && { taskTimeout: context.taskTimeout },
      ...options,
    }),
    workflowIdReusePolicy: reusePolicies[options.idReusePolicy ?? "allow_duplicate"],
    workflowIdConflictPolicy: conflictPolicies[conflictOf(request)],
    ...memo && { memo: { fields: memoFields(conversion, memo) } },
    ...searchAttributes &&
      { searchAttributes: { indexedFields: writeAttributes(searchAttributes) } },
    ...options.startDelay !== undefined && { workflowStartDelay: duration(options.startDelay) },
    ...texts(conversion, options),
  } satisfies RpcRequest<"startWorkflowExecution">;
}

function carried({ name, sender, payloads }: Signal): CarriedMessage {
  return { name, sender, payloads: unpack(payloads) as LuaValue[] };
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
