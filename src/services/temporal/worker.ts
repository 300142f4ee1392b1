import { decodeEntry } from "../../registry/decode.ts";
import { asLua } from "../../vm/value.ts";
import type { WorkflowProvider } from "../../workflows/provider.ts";
import {
  createProvider,
  temporalConversion,
  type TemporalWorkerSettings,
} from "../../workflows/providers/providers.ts";
import type { ServiceContext } from "../context.ts";
import { type Service, untilStopped } from "../service.ts";
import { declaredSchedules } from "../workflow-host/declared.ts";
import { workflowSchedule } from "../workflow-host/workflow-schedule.ts";
import { TemporalClient } from "./client.ts";
import { clientSchema, type TemporalWorkerData, workerSchema } from "./schema.ts";
import { warnOfLeftRuns } from "./left-runs.ts";
import { EntryTypes } from "./workflow-types.ts";

/** A worker: it polls from its first start until all services have stopped. */
export function runTemporalWorker(context: ServiceContext, data: TemporalWorkerData): Service {
  const { entry, host, workflows, services } = context;
  workflows.declare(entry.id);
  let provider: WorkflowProvider | undefined;
  const queue = () => queueOf(context, entry.id) ?? data.task_queue;
  return untilStopped({
    async open() {
      const client = services.get(data.client, TemporalClient);
      for (const field of withoutEffect(data)) {
        context.log("warn", `worker_options.${field} has no effect`);
      }
      // Workers learn of the host first: what waits on the queue goes on as soon as it is polled.
      host.set("running");
      if (provider) return;
      const types = new EntryTypes(context.entries.values());
      const created = await createProvider({
        type: "temporal",
        connect: () => Promise.resolve(client.share(data.worker_options.identity)),
        conversion: await temporalConversion(client.keys, types),
        hosts: [{ hostId: entry.id, ...workerSettings(data, queue()) }],
        queueOf: (hostId) => queueOf(context, hostId),
        ...client.data.ui !== undefined &&
          { pageOf: pageOf(client.data.ui, client.data.namespace) },
        addSearchAttributes: client.data.add_search_attributes,
      }, {
        number: workflows.number(),
        node: data.client,
        maxActivities: data.worker_options.max_concurrent_activity_execution_size,
        schedules: declaredSchedules(context),
      });
      await workflows.open(entry.id, created);
      provider = created;
      // A journal that cannot be read is another program's concern.
      await warnOfLeftRuns(context).catch(() => {});
      context.watch(["workflow.lua"], () => types.read(context.entries.values()));
      context.watch([workflowSchedule.name], async () => {
        await created.schedules.declare(declaredSchedules(context));
      });
    },
    close: () => host.set("stopping"),
    kill: () => host.set("stopped"),
    inspect: () => {
      const { deployment_name, build_id, use_versioning } = data.worker_options;
      return asLua({
        client: data.client,
        task_queue: queue(),
        ...use_versioning && { deployment_name, build_id },
      });
    },
    summary: () => `task queue ${queue()} of ${data.client}`,
  });
}

/** The URL at which the Temporal Web UI shows the runs of a namespace. */
function pageOf(ui: string, namespace: string): (workflowId: string, runId: string) => string {
  const [base, space] = [ui.replace(/\/+$/, ""), encodeURIComponent(namespace)];
  return (workflowId, runId) =>
    `${base}/namespaces/${space}/workflows/${encodeURIComponent(workflowId)}/${runId}/history`;
}

/** The task queue of a worker, with the prefix of its client; undefined when there is no such worker. */
function queueOf({ entries, variables }: ServiceContext, hostId: string): string | undefined {
  const entry = entries.get(hostId);
  if (entry?.kind !== "temporal.worker") return undefined;
  const { client, task_queue } = decodeEntry({ schema: workerSchema() }, entry, variables);
  const connected = entries.get(client);
  if (connected?.kind !== "temporal.client") return task_queue;
  return decodeEntry({ schema: clientSchema() }, connected, variables).tq_prefix + task_queue;
}

/** The provider's settings from the entry. */
export function workerSettings(
  { worker_options: options }: TemporalWorkerData,
  taskQueue: string,
): TemporalWorkerSettings {
  const behavior = options.default_versioning_behavior;
  return {
    taskQueue,
    takes: {
      workflows: !options.disable_workflow_worker,
      activities: !options.local_activity_worker_only,
    },
    activities: options.max_concurrent_activity_execution_size,
    workflowTasks: options.max_concurrent_workflow_task_execution_size,
    activityPollers: options.max_concurrent_activity_task_pollers,
    workflowPollers: options.max_concurrent_workflow_task_pollers,
    stickyTimeout: options.sticky_schedule_to_start_timeout,
    ...options.task_queue_activities_per_second !== undefined &&
      { queueActivitiesPerSecond: options.task_queue_activities_per_second },
    ...options.use_versioning && {
      version: {
        deploymentName: options.deployment_name,
        buildId: options.build_id,
        ...behavior && { defaultBehavior: behavior === "pinned" ? "pinned" : "auto-upgrade" },
      },
    },
  };
}

/** Options that are set but have no effect. */
export function withoutEffect({ worker_options: options }: TemporalWorkerData): string[] {
  const given = ([
    "worker_activities_per_second",
    "worker_local_activities_per_second",
    "disable_eager_activities",
    "max_heartbeat_throttle_interval",
    "default_heartbeat_throttle_interval",
    "enable_session_worker",
    "enable_logging_in_replay",
    "worker_stop_timeout",
    "deadlock_detection_timeout",
    "disable_registration_aliasing",
    "max_concurrent_eager_activity_execution_size",
  ] as const).filter((field) => options[field]);
  const limits = ([
    "max_concurrent_local_activity_execution_size",
    "max_concurrent_session_execution_size",
  ] as const).filter((field) => options[field] !== 1_000);
  return [...given, ...limits];
}
