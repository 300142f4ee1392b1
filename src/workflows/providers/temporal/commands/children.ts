import { temporal } from "@temporalio/proto";
import { unpack } from "../../../../vm/codec.ts";
import type { LuaValue } from "../../../../vm/value.ts";
import { writeAttributes } from "../history/attributes.ts";
import {
  type CallInfo,
  type CarriedMessage,
  fields,
  headerOf,
  plain,
  unpackedPayloads,
} from "../names.ts";
import type { TemporalCommand } from "../proto.ts";
import type { CommandContext, Of } from "./commands.ts";
import { memoFields, texts } from "./fields.ts";
import { closePolicies, reusePolicies, runOptions } from "./policies.ts";

/** The start of a child. */
export interface ChildStart {
  workflowId: string;
  command: TemporalCommand;
  /** Has the child begin with a request to cancel. */
  cancel(request: NonNullable<CallInfo["cancel"]>): void;
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
  const header = headerOf(conversion, info, frame ?? started?.frame, messages);
  return {
    workflowId,
    command: {
      commandType: temporal.api.enums.v1.CommandType.COMMAND_TYPE_START_CHILD_WORKFLOW_EXECUTION,
      ...texts(conversion, options),
      startChildWorkflowExecutionCommandAttributes: {
        workflowId,
        workflowType: { name: entry },
        taskQueue: { name: options.taskQueue ?? queueOf(hostId) },
        input: unpackedPayloads(conversion, args),
        header,
        ...runOptions(options),
        parentClosePolicy: closePolicies[options.parentClosePolicy ?? "terminate"],
        workflowIdReusePolicy: reusePolicies[options.idReusePolicy ?? "allow_duplicate"],
        ...memo && { memo: { fields: memoFields(conversion, memo) } },
        ...searchAttributes &&
          { searchAttributes: { indexedFields: writeAttributes(searchAttributes) } },
      },
    },
    cancel(request) {
      header.fields = { ...header.fields, [fields.info]: plain({ ...info, cancel: request }) };
    },
  };
}
