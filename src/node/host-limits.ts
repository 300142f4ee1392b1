import { decodeEntry } from "../registry/decode.ts";
import type { Entry } from "../registry/entry.ts";
import { processHost } from "../registry/kinds/host.ts";
import type { Variables } from "../registry/placeholder.ts";
import type { HostLimits } from "../worker/messages.ts";
import type { WorkflowHostLimits } from "./workflow-hosts.ts";

/** The limits of the process hosts that have some, by identifier; each has a counter of its own. */
export function hostLimits(
  entries: readonly Entry[],
  variables: Variables,
): Map<string, HostLimits> {
  const limits = new Map<string, HostLimits>();
  for (const entry of entries) {
    if (entry.kind !== processHost.name) continue;
    const { host } = decodeEntry(processHost, entry, variables);
    const { max_processes, max_mailbox, max_message_size } = host;
    if (max_processes || max_mailbox || max_message_size) {
      limits.set(entry.id, {
        index: limits.size,
        ...(max_processes && { processes: max_processes }),
        ...(max_mailbox && { mailbox: max_mailbox }),
        ...(max_message_size && { message_size: max_message_size }),
      });
    }
  }
  return limits;
}

/** The limits of a workflow host, from the fields of its entry. */
export function workflowLimits(fields: {
  retention?: number | undefined;
  max_concurrent_activities?: number | undefined;
  max_history_events?: number | undefined;
  max_history_bytes?: number | undefined;
}): WorkflowHostLimits {
  const { retention } = fields;
  const maxActivities = fields.max_concurrent_activities;
  const maxHistoryEvents = fields.max_history_events;
  const maxHistoryBytes = fields.max_history_bytes;
  return {
    ...(retention !== undefined && { retention }),
    ...(maxActivities !== undefined && { maxActivities }),
    ...(maxHistoryEvents !== undefined && { maxHistoryEvents }),
    ...(maxHistoryBytes !== undefined && { maxHistoryBytes }),
  };
}
