import { defineService } from "../service.ts";
import { schema } from "./schema.ts";

export { workflowSchedule } from "./workflow-schedule.ts";

/** Runs workflows on the embedded journal. */
export const workflowHost = defineService({
  name: "workflow.host",
  host: "workflows",
  fixed: "a workflow host holds its journal as long as the runtime lives",
  schema,
  load: () => import("./service.ts").then(({ runWorkflowHost }) => runWorkflowHost),
});
