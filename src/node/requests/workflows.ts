import { type LuaValue } from "../../vm/value.ts";
import type { StartWorkflow, UpdateWorkflow } from "../../workflows/requests.ts";
import type { WorkflowHosts } from "../workflow-hosts.ts";
import {
  any,
  flag,
  list,
  optional,
  packed,
  type Read,
  request,
  type Requests,
  table,
  text,
} from "./request.ts";

const start = {
  entry: text,
  host: optional(text),
  frame: any,
  options: any,
  sender: text,
  args: packed,
  name: optional(text),
  messages: optional(list(table({ topic: text, values: packed }))),
};

function startOf(input: Read<typeof start>): StartWorkflow {
  const { entry, host, frame, options, sender, args, name, messages = [] } = input;
  return {
    entry,
    frame,
    options,
    sender,
    args,
    messages: messages.map(({ topic, values }) => ({ name: topic, payloads: values })),
    ...(host !== undefined && { hostId: host }),
    ...(name !== undefined && { name }),
  };
}

const update = { name: text, id: optional(text), stage: optional(text), args: packed };

function updateOf({ name, id, stage, args }: Read<typeof update>, sender: string): UpdateWorkflow {
  return {
    name,
    sender,
    args,
    stage: stage === "accepted" ? "accepted" : "completed",
    ...(id !== undefined && { updateId: id }),
  };
}

/** What has watches of workflows. */
export interface WorkflowWatches {
  monitor(target: string, watcher: string, runId?: string): void;
  link(target: string, watcher: string, runId?: string): void;
}

/** Starts, queries and updates of workflows. What is done to one that runs is in `targets.ts`. */
export function workflowRequests(workflows: WorkflowHosts, watches: WorkflowWatches): Requests {
  return {
    "workflows.start": request(
      { ...start, watcher: optional(text), monitored: flag, linked: flag },
      async ({ watcher, monitored, linked, ...input }) => {
        const { pid, runId } = await workflows.start(startOf(input));
        if (watcher !== undefined && monitored) watches.monitor(pid, watcher, runId);
        if (watcher !== undefined && linked) watches.link(pid, watcher, runId);
        return pid;
      },
    ),
    "workflows.query": request(
      { pid: text, name: text, args: packed },
      ({ pid, name, args }): Promise<LuaValue> => workflows.query(pid, name, args),
    ),
    "workflows.update": request(
      { pid: text, sender: text, ...update },
      ({ pid, sender, ...input }) => workflows.update(pid, updateOf(input, sender)),
    ),
    "workflows.update_with_start": request(
      { start: table(start), update: table(update) },
      async (input) => {
        const { sender } = input.start;
        const { value } = await workflows.updateWithStart(
          startOf(input.start),
          updateOf(input.update, sender),
        );
        return value;
      },
    ),
  };
}
