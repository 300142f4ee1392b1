import { join, resolve } from "node:path";
import type { Simulation } from "../../platform/simulation.ts";
import type { ProviderOptions } from "../../workflows/provider.ts";
import { createProvider } from "../../workflows/providers/providers.ts";
import type { Transport } from "../../workflows/tasks/tasks.ts";
import type { ServiceContext } from "../context.ts";
import { type Service, untilStopped } from "../service.ts";
import { payloadKeys } from "../payload-keys.ts";
import { declaredSchedules } from "./declared.ts";
import { defaultJournal, type WorkflowHost } from "./schema.ts";
import { workflowSchedule } from "./workflow-schedule.ts";

/** A workflow host: its journal is open from its first start until all services have stopped. */
export function runWorkflowHost(context: ServiceContext, data: WorkflowHost): Service {
  const { entry, host, workflows } = context;
  workflows.declare(entry.id);
  const path = journalPath(context, data.journal);
  const keys = payloadKeys(data.payload_codec);
  let opened = false;
  return untilStopped({
    async open() {
      if (opened) return host.set("running");
      // Workers learn of the host first: the journal's open runs go on as soon as it is open.
      host.set("running");
      const { temporary = false } = context;
      const creating = createProvider({ type: "sqlite", path, temporary, ...keys && { keys } }, {
        number: workflows.number(),
        schedules: declaredSchedules(context),
        ...limits(data),
        ...(context.simulation && simulated(context.simulation)),
      });
      const provider = await (context.simulation?.during(creating) ?? creating);
      await workflows.open(entry.id, provider);
      opened = true;
      context.watch([workflowSchedule.name], async () => {
        await provider.schedules.declare(declaredSchedules(context));
      });
    },
    close: () => host.set("stopping"),
    kill: () => host.set("stopped"),
  });
}

function journalPath({ directory, stateDir }: ServiceContext, journal: string): string {
  const inState = stateDir !== "" && journal === defaultJournal;
  return resolve(directory, inState ? join(stateDir, "journal.db") : journal);
}

/** The limits of the entry, as the provider takes them. */
function limits(data: WorkflowHost): ProviderOptions {
  const { retention, max_concurrent_activities, max_history_events, max_history_bytes } = data;
  return {
    ...(retention !== undefined && { retention }),
    ...(max_concurrent_activities !== undefined && { maxActivities: max_concurrent_activities }),
    ...(max_history_events !== undefined && { maxHistoryEvents: max_history_events }),
    ...(max_history_bytes !== undefined && { maxHistoryBytes: max_history_bytes }),
  };
}

/** A provider in a simulation: the seed decides when what workers and journal tell each other arrives. */
function simulated(simulation: Simulation): Pick<ProviderOptions, "platform" | "transport"> {
  const transport: Transport = (deliver) =>
    simulation.link((message) => {
      if (message instanceof Uint8Array) simulation.note(message);
      deliver(message);
    });
  return { platform: simulation, transport };
}
