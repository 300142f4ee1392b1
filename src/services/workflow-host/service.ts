import { join, resolve } from "node:path";
import type { Simulation } from "../../platform/simulation.ts";
import { asLua } from "../../vm/value.ts";
import type {
  ProviderOptions,
  Publication,
  QueueBacklog,
  WorkflowProvider,
} from "../../workflows/provider.ts";
import { createProvider } from "../../workflows/providers/providers.ts";
import type { Transport } from "../../workflows/tasks/tasks.ts";
import type { ServiceContext } from "../context.ts";
import { type Figure, type Service, untilStopped } from "../service.ts";
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
  let opened: WorkflowProvider | undefined;
  const life = untilStopped({
    async open() {
      if (opened) return host.set("running");
      // Workers learn of the host first: the journal's open runs go on as soon as it is open.
      host.set("running");
      const { temporary } = context;
      const kept = { ...temporary && { temporary }, ...keys && { keys } };
      const creating = createProvider({ type: "sqlite", path, ...kept }, {
        number: workflows.number(),
        schedules: declaredSchedules(context),
        ...limits(data),
        ...(context.simulation && simulated(context.simulation)),
      });
      const provider = await (context.simulation?.during(creating) ?? creating);
      provider.onPublish((publication) => publishLater(context, publication));
      await workflows.open(entry.id, provider);
      opened = provider;
      context.watch([workflowSchedule.name], async () => {
        await provider.schedules.declare(declaredSchedules(context));
      });
    },
    close: () => host.set("stopping"),
    kill: () => host.set("stopped"),
  });
  return {
    start: () => life.start(),
    stop: () => life.stop(),
    kill: () => life.kill(),
    inspect: () => asLua({ publishing: opened?.backlog() ?? [] }),
    summary: () => waitingText(opened?.backlog() ?? []),
    figures: () => (opened?.backlog() ?? []).flatMap(figuresOf),
  };
}

/** Puts a message of the outbox into its queue. @throws WippyError */
async function publishLater(context: ServiceContext, publication: Publication): Promise<void> {
  // Read when the first message comes: most applications publish nothing from workflows.
  const loaded = import("../queue/workflow-messages.ts");
  const { publishForWorkflow } = await (context.simulation?.during(loaded) ?? loaded);
  await publishForWorkflow(context, publication);
}

function waitingText(backlog: readonly QueueBacklog[]): string | undefined {
  const left = backlog.filter(({ waiting, refused }) => waiting + refused > 0);
  if (left.length === 0) return undefined;
  return left.map(({ queue, waiting, refused }) =>
    `${queue}: ${waiting} to publish${refused > 0 ? `, ${refused} refused` : ""}`
  ).join("; ");
}

function figuresOf({ queue, waiting, refused }: QueueBacklog): Figure[] {
  const labels = { queue };
  return [
    {
      name: "wippy_workflow_publications_waiting",
      help: "Messages that workflows have published and that wait for their queue.",
      value: waiting,
      labels,
    },
    {
      name: "wippy_workflow_publications_refused",
      help: "Messages that workflows have published and that their queue would not take.",
      value: refused,
      labels,
    },
  ];
}

/** The file of a journal. */
export function journalPath(
  { directory, stateDir }: Pick<ServiceContext, "directory" | "stateDir">,
  journal: string,
): string {
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
