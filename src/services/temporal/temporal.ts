import { defineService } from "../service.ts";

/** Read with the first entry of such a kind: a short script has none. */
const schemas = () => require("./schema.ts") as typeof import("./schema.ts");

/** A connection to a Temporal server, which its workers share. */
export const temporalClient = defineService({
  name: "temporal.client",
  fixed: "workers hold its connection as long as the runtime lives",
  schema: () => schemas().clientSchema(),
  load: () => import("./client.ts").then(({ runTemporalClient }) => runTemporalClient),
});

/** Runs workflows and activities on a task queue of a Temporal server. */
export const temporalWorker = defineService({
  name: "temporal.worker",
  host: "workflows",
  group: ({ data }) => `temporal ${data["client"]}`,
  fixed: "a worker polls its task queue as long as the runtime lives",
  references: [{ path: ["client"], bareName: false, kinds: ["temporal.client"] }],
  requires: ({ client }) => [client],
  schema: () => schemas().workerSchema(),
  load: () => import("./worker.ts").then(({ runTemporalWorker }) => runTemporalWorker),
});
