import { temporal } from "../messages/messages.ts";
import { unpack } from "../../../../vm/codec.ts";
import type { LuaValue } from "../../../../vm/value.ts";
import { writeAttributes } from "../history/attributes.ts";
import { type CallInfo, type CarriedMessage, headerOf, unpackedPayloads } from "../names.ts";
import type { TemporalCommand } from "../proto.ts";
import type { CommandContext, Of } from "./context.ts";
import { memoFields, texts } from "./fields.ts";
import { closePolicies, reusePolicies, runOptions } from "./policies.ts";

/** The start of a child. */
export interface ChildStart {
  workflowId: string;
  command: TemporalCommand;
}

/** Returns the command that starts a child. */
export function startOfChild(
  { conversion, reader, queueOf }: Pick<CommandContext, "conversion" | "reader" | "queueOf">,
  command: Of<"start_child">,
): ChildStart {
  const { seq, entry, hostId, args, options, memo, searchAttributes, frame } = command;
  const { started, runId } = reader;
  const workflowId = command.workflowId ?? `${runId}_${seq}`;
  const pid = started?.pid ?? "";
  const messages = (command.messages ?? []).map(({ name, payloads }): CarriedMessage => ({
    name,
    sender: pid,
    payloads: unpack(payloads) as LuaValue[],
  }));
  const info: CallInfo = { seq, host: hostId, parent: pid };
  return {
    workflowId,
    command: {
      commandType: temporal.api.enums.v1.CommandType.COMMAND_TYPE_START_CHILD_WORKFLOW_EXECUTION,
      ...texts(conversion, options),
      startChildWorkflowExecutionCommandAttributes: {
        workflowId,
        workflowType: { name: conversion.types.typeOf(entry) },
        taskQueue: { name: options.taskQueue ?? queueOf(hostId) },
        input: unpackedPayloads(conversion, args),
        header: headerOf(conversion, info, frame ?? started?.frame, messages),
        ...runOptions(options),
        parentClosePolicy: closePolicies[options.parentClosePolicy ?? "terminate"],
        workflowIdReusePolicy: reusePolicies[options.idReusePolicy ?? "allow_duplicate"],
        ...memo && { memo: { fields: memoFields(conversion, memo) } },
        ...searchAttributes &&
          { searchAttributes: { indexedFields: writeAttributes(searchAttributes) } },
      },
    },
  };
}

/** Returns the command that asks a child that has started to cancel. */
export function cancelOfChild(workflowId: string, reason: string | undefined): TemporalCommand {
  return {
    commandType: temporal.api.enums.v1.CommandType
      .COMMAND_TYPE_REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION,
    requestCancelExternalWorkflowExecutionCommandAttributes: {
      workflowId,
      childWorkflowOnly: true,
      ...reason !== undefined && { reason },
    },
  };
}
