import { WippyError } from "../../vm/error.ts";
import { security } from "../../registry/lifecycle.ts";
import { z } from "../../registry/schema.ts";
import { defineKind } from "../../registry/kind.ts";

const schedules = () =>
  require(
    "../../workflows/schedules/table.ts",
  ) as typeof import("../../workflows/schedules/table.ts");

/** Starts a workflow at certain times. Its id is the schedule's. */
export const workflowSchedule = defineKind({
  name: "workflow.schedule",
  references: [
    { path: ["action", "workflow"], bareName: true, kinds: ["workflow.lua"] },
    { path: ["action", "host"], bareName: true, kinds: ["workflow.host", "temporal.worker"] },
  ],
  schema: () =>
    z.object({
      ...schedules().scheduleFields(),
      /** On whose behalf the runs work. */
      security: security().optional(),
    }).superRefine((table, context) => {
      try {
        schedules().checkTable(table);
      } catch (error) {
        const { message } = WippyError.from(error);
        const fix = "see the page on schedules of the documentation";
        context.addIssue({ code: "custom", message, params: { fix } });
      }
    }),
});
