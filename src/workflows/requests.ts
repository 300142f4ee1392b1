/**
 * Starts and updates as callers ask for them, read into what a provider takes.
 * @module
 */
import { type Entry, parseId, qualify } from "../registry/entry.ts";
import { pack, unpack } from "../vm/codec.ts";
import { nearestId } from "../registry/suggestion.ts";
import { WippyError } from "../vm/error.ts";
import type { LuaValue } from "../vm/value.ts";
import { recordValue, recordValues } from "./history/limits.ts";
import { parseStartOptions } from "./options/option-table.ts";
import type { StartRequest, UpdateRequest, UpdateResult, UpdateStage } from "./provider.ts";
import { withDetails } from "./history/retry.ts";

/** Where workflows and their hosts are found. */
export interface WorkflowTargets {
  entries: ReadonlyMap<string, Entry>;
  /** Identifiers of the workflow hosts, whether they run or not. */
  hosts: readonly string[];
}

/** A start as `lua/kernel/processes/processes.lua` asks for it. */
export interface StartWorkflow {
  entry: string;
  /** Absent: the host that the entry names, else the only one. */
  hostId?: string;
  frame: LuaValue;
  name?: string;
  options: LuaValue;
  messages: { name: string; payloads: LuaValue[] }[];
  sender: string;
  args: LuaValue[];
}

/** An update as callers ask for it. */
export interface UpdateWorkflow {
  updateId?: string;
  name: string;
  args: LuaValue[];
  sender: string;
  stage: UpdateStage;
}

/** The workflow host of an entry: the one that it names, else the only one. @throws WippyError Invalid */
export function hostOf(entry: Entry, hosts: readonly string[]): string {
  const temporal = entry.meta["temporal"] as { workflow?: { worker?: unknown } } | undefined;
  const named = temporal?.workflow?.worker;
  if (typeof named === "string") return qualify(named, parseId(entry.id).namespace);
  if (hosts.length === 1) return hosts[0]!;
  throw new WippyError(
    "Invalid",
    hosts.length === 0
      ? `no workflow.host entry to run ${entry.id} on; add one`
      : `several workflow hosts; name one in meta.temporal.workflow.worker of ${entry.id}`,
    { retryable: false },
  );
}

/** @throws WippyError NotFound, Invalid */
export function startRequest(request: StartWorkflow, targets: WorkflowTargets): StartRequest {
  const entry = targets.entries.get(request.entry);
  if (entry?.kind !== "workflow.lua") {
    const workflows = [...targets.entries.values()].filter(({ kind }) => kind === "workflow.lua");
    const near = nearestId(request.entry, workflows.map(({ id }) => id));
    const hint = near === undefined ? "" : `; did you mean ${near}?`;
    throw new WippyError("NotFound", `workflow not found: ${request.entry}${hint}`, {
      retryable: false,
    });
  }
  const hostId = request.hostId ?? hostOf(entry, targets.hosts);
  const parsed = parseStartOptions(request.options);
  const workflowId = parsed.workflowId ?? request.name;
  return {
    entry: request.entry,
    hostId,
    args: recordValues(request.args, `the input of ${request.entry}`),
    frame: pack(request.frame),
    options: parsed.options,
    messages: request.messages.map(({ name, payloads }) => ({
      name,
      payloads: recordValues(payloads, `the message ${name}`),
      sender: request.sender,
    })),
    ...(workflowId !== undefined && { workflowId }),
    ...(parsed.memo && { memo: recordValue(parsed.memo, "the memo") }),
    ...(parsed.searchAttributes && {
      searchAttributes: recordValue(parsed.searchAttributes, "the search attributes"),
    }),
  };
}

/** A start that brings an update. @throws WippyError NotFound, Invalid */
export function startForUpdate(
  request: StartWorkflow,
  targets: WorkflowTargets,
): StartRequest & { workflowId: string } {
  const start = startRequest(request, targets);
  const { workflowId, options } = start;
  const refuse = (message: string): never => {
    throw new WippyError("Invalid", message, { retryable: false });
  };
  if (workflowId === undefined) {
    return refuse("option workflow.id: an update with a start needs it");
  }
  if (options?.startDelay !== undefined) {
    return refuse("option workflow.start_delay: the update would have to wait for it");
  }
  if (options?.cronSchedule !== undefined) {
    return refuse("option workflow.cron_schedule: the update would have to wait for it");
  }
  return { ...start, workflowId };
}

/** @throws WippyError Invalid for an input that is too large */
export function updateRequest(
  { args, ...update }: UpdateWorkflow,
): UpdateRequest & { stage: UpdateStage } {
  const packed = recordValues(args, `the input of the update ${update.name}`);
  return { ...update, args: packed };
}

/** The value of an update, or, with stage `accepted`, its id. @throws WippyError its failure */
export function updateValue(result: UpdateResult, stage: UpdateStage): LuaValue {
  if (result.failure) {
    throw WippyError.from(withDetails(result.failure, {
      _wrapper: "update",
      _update_id: result.updateId,
      _update_status: result.status,
    }));
  }
  if (stage === "accepted") return result.updateId;
  return result.value ? unpack(result.value) : undefined;
}
