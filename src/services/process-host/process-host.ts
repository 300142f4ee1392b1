import { availableParallelism } from "node:os";
import { limit, size } from "../../registry/kind.ts";
import { lifecycle } from "../../registry/lifecycle.ts";
import { z } from "../../registry/schema.ts";
import { defineService, untilStopped } from "../service.ts";

/** Runs processes. */
export const processHost = defineService({
  name: "process.host",
  host: "processes",
  onChange: "next_start",
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
  limits: ({ host: { max_processes, max_mailbox, max_message_size } }) => ({
    ...(max_processes && { processes: max_processes }),
    ...(max_mailbox && { mailbox: max_mailbox }),
    ...(max_message_size && { message_size: max_message_size }),
  }),
  // Every script has one: it is not worth a file to load.
  load: () => ({ host }, { lifecycle }) =>
    untilStopped({
      open: () => host.set("running"),
      close: async () => {
        host.set("stopping");
        await host.drain(lifecycle.stop_timeout);
        host.set("stopped");
      },
      kill: () => host.set("stopped"),
    }),
});
