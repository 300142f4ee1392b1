import { availableParallelism } from "node:os";
import { z } from "../schema.ts";
import { duration } from "../duration.ts";
import { lifecycle, lifecycleReferences } from "../lifecycle.ts";
import { defineKind, required, size } from "./kind.ts";

/** A limit of a host; 0 and absence mean none. */
function limit(what: string) {
  return size(0, what).transform((value) => value || undefined);
}

/** Runs processes. */
export const processHost = defineKind({
  name: "process.host",
  references: lifecycleReferences,
  schema: () =>
    z.object({
      host: z.object({
        workers: size(availableParallelism(), "workers"),
        /** Starting capacities: the queues grow. */
        queue_size: size(1024, "queue size"),
        local_queue_size: size(256, "local queue size"),
        /** Processes that live at once; absent or 0: no limit. */
        max_processes: limit("max processes"),
        /** Messages that wait in one mailbox before senders are refused. */
        max_mailbox: limit("max mailbox"),
        /** Bytes of a message, about. */
        max_message_size: limit("max message size"),
      }).prefault({}),
      lifecycle: lifecycle(),
    }),
});

/** Runs one process with the terminal; its end ends the runtime. */
export const terminalHost = defineKind({
  name: "terminal.host",
  references: lifecycleReferences,
  schema: () => z.object({ hide_logs: z.boolean().default(false), lifecycle: lifecycle() }),
});

/** Runs workflows on the embedded journal. */
export const workflowHost = defineKind({
  name: "workflow.host",
  references: lifecycleReferences,
  schema: () =>
    z.object({
      /** File of the journal, relative to the application's directory. */
      journal: z.string().min(1).default(".wippy/journal.db"),
      /** Milliseconds that a closed run is kept; absent: for ever. */
      retention: duration(undefined),
      /** Attempts of activities that run at once; absent or 0: no limit. */
      max_concurrent_activities: limit("max concurrent activities"),
      /** Events of its history at which a run is terminated; absent or 0: 51,200. */
      max_history_events: limit("max history events"),
      /** Bytes of its history at which a run is terminated; absent or 0: 50 MB. */
      max_history_bytes: limit("max history bytes"),
      lifecycle: lifecycle(),
    }),
});

/** Keeps one process running. */
export const processService = defineKind({
  name: "process.service",
  references: [
    { path: ["process"], bareName: true, kinds: ["process.lua", "workflow.lua"] },
    {
      path: ["host"],
      bareName: false,
      kinds: ["process.host", "terminal.host", "workflow.host"],
    },
    ...lifecycleReferences,
  ],
  schema: () =>
    z.object({
      process: required("process", 'add "process: NAME" of a process.lua entry'),
      host: required("host", 'add "host: namespace:name" of a process.host entry').refine(
        (host) => host !== "node:control",
        {
          error: "invalid host: node:control",
          params: { fix: "name a process.host entry of the application" },
        },
      ),
      /** Arguments of the process. */
      input: z.array(z.unknown()).default([]),
      lifecycle: lifecycle(),
    }),
});
