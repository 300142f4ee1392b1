/**
 * Shared by the parts of a worker: the runtime that they work for, and the server's tasks.
 * @module
 */
import { temporal } from "../messages/messages.ts";
import type { OutboxMessage, ProviderReport } from "../../../provider.ts";
import type { Connection, RpcResponse } from "../connection/connection.ts";
import type { WorkerSettings } from "../connection/settings.ts";
import type { HistoryContext } from "../history/state.ts";
import type { WorkerLinks } from "./links.ts";

/** A task as the server hands it out. */
export type PolledTask = Omit<RpcResponse<"pollWorkflowTaskQueue">, "toJSON">;

/** The runtime, as tasks use it. */
export interface TaskContext extends HistoryContext {
  connection: Connection;
  addSearchAttributes: boolean;
  links: WorkerLinks;
  /** Number of the provider. */
  number: number;
  queueOf(hostId: string): string;
  /** Names this runtime: its queues for runs that its workers hold in memory. */
  instance: string;
  report(report: ProviderReport): void;
  deliver(message: OutboxMessage): void;
  /** Whether the provider is about to close. */
  closing(): boolean;
}

/** The queue that only one runtime takes from: for runs that its workers hold in memory. */
export function stickyQueue(instance: string, taskQueue: string): string {
  return `${instance}:${taskQueue}`;
}

/** Which version of its code a worker has. */
export function deployment({ version }: WorkerSettings): {
  deploymentOptions?: temporal.api.deployment.v1.IWorkerDeploymentOptions;
} {
  if (!version) return {};
  const { WorkerVersioningMode: Mode } = temporal.api.enums.v1;
  return {
    deploymentOptions: {
      deploymentName: version.deploymentName,
      buildId: version.buildId,
      workerVersioningMode: Mode.WORKER_VERSIONING_MODE_VERSIONED,
    },
  };
}

/** What the answer to a workflow task says of the worker's version. */
export function versioning(settings: WorkerSettings): ReturnType<typeof deployment> & {
  versioningBehavior?: temporal.api.enums.v1.VersioningBehavior;
} {
  const { VersioningBehavior: Behavior } = temporal.api.enums.v1;
  const behavior = settings.version?.defaultBehavior;
  return {
    ...deployment(settings),
    ...behavior && {
      versioningBehavior: behavior === "pinned"
        ? Behavior.VERSIONING_BEHAVIOR_PINNED
        : Behavior.VERSIONING_BEHAVIOR_AUTO_UPGRADE,
    },
  };
}
