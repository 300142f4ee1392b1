import { WippyError } from "../../vm/error.ts";
import type { ServiceContext } from "../context.ts";
import { processAsService } from "../process.ts";
import type { Service } from "../service.ts";
import { supervisorEntry, supervisorStarted } from "./code.ts";
import type { ProcessSupervisor } from "./schema.ts";
import { supervisorSpec } from "./tree.ts";

/** A tree of processes as a service: it runs while its supervisor does, and has started when all children have. */
export function runSupervisor(
  context: ServiceContext,
  { host, lifecycle }: ProcessSupervisor,
): Service {
  return processAsService(context, {
    process: supervisorEntry,
    host,
    input: [supervisorSpec(context.entry, context.entries, context.variables)],
    security: lifecycle.security,
    ready: async ({ pid, ended }) => {
      await childrenStarted(context.units.call(supervisorStarted, [pid]), ended);
    },
  });
}

/**
 * Waits until a supervisor's children run.
 *
 * @param asked the answer of its `supervisorStarted` function
 * @param ended its end
 * @throws WippyError why it ended instead
 */
async function childrenStarted(asked: Promise<unknown>, ended: Promise<unknown>) {
  const started = asked.catch((error) => {
    // In strict mode nobody may ask; a supervisor that has gone says why by its own end.
    if (WippyError.from(error).kind !== "PermissionDenied") return ended;
  });
  await Promise.race([started, ended]);
}
