/**
 * The part of the API that can be answered from what is stored, while no runtime runs.
 * @module
 */
import { WippyError } from "../vm/error.ts";
import { unpackHistory } from "../workflows/history/history.ts";
import { workflowIdOf } from "../workflows/pid.ts";
import type { EventRange, RunQuery, StoredRuns } from "../workflows/provider.ts";
import type { ScheduleQuery } from "../workflows/schedules/schedules.ts";
import type { Send } from "./client.ts";
import { problem } from "./problem.ts";
import { Rights } from "./right.ts";
import { routes } from "./route.ts";
import { scheduleRoutes } from "./routes/schedules.ts";
import { workflowRoutes } from "./routes/workflows.ts";

/**
 * Answers requests from stored runs. Whoever can read them may see them.
 *
 * @param name of the place, for messages
 */
export function storedApi(stored: StoredRuns, name: string): Send {
  const app = routes();
  const rights = new Rights();
  app.onError((error, context) => problem(context, error));
  app.use(async (context, next) => {
    context.set("caller", { role: () => "viewer", name: "local" });
    context.set("rights", rights);
    return await next();
  });
  const runs = {
    // One place answers for all of its hosts.
    hosts: stored.hosts.slice(0, 1),
    owns: (pid: string) => workflowIdOf(pid) !== undefined,
    list: (_host: string, query: RunQuery) => stored.list(query),
    describe: async (pid: string) => await stored.describe(workflowIdOf(pid) ?? ""),
    run: async (_host: string, runId: string) => {
      const detail = await stored.run(runId);
      if (detail) return detail;
      throw new WippyError("NotFound", `no run ${runId}`, { retryable: false });
    },
    history: async (_host: string, runId: string, range?: EventRange) =>
      unpackHistory(await stored.history(runId, range)),
  };
  const schedules = {
    hosts: [name],
    list: (_host: string, query: ScheduleQuery) => stored.schedules.list(query),
    describe: (id: string) => stored.schedules.describe(id),
  };
  app.route("/api/v1", workflowRoutes(runs)).route("/api/v1", scheduleRoutes(schedules));
  return async (path, init) => await app.request(path, init);
}
