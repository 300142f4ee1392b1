import { coresdk } from "@temporalio/proto";
import { WippyError } from "../../../../vm/error.ts";
import type { Addon } from "./addon.ts";
import { bridgeError, isShutdown } from "./rpc-error.ts";
import type { WorkerSettings } from "./settings.ts";

type Client = Awaited<ReturnType<Addon["newClient"]>>;
type Native = ReturnType<Addon["newWorker"]>;
type NativeOptions = Parameters<Addon["newWorker"]>[1];

const { WorkflowActivation } = coresdk.workflow_activation;
const { WorkflowActivationCompletion } = coresdk.workflow_completion;
const { ActivityTask } = coresdk.activity_task;
const { ActivityTaskCompletion, ActivityHeartbeat } = coresdk;

/**
 * A worker of Temporal's Core. One poll of each kind is in flight at a time. Every activation and every activity task
 * must be completed, including those that arrived before the shutdown.
 */
export class CoreWorker {
  readonly #addon: Addon;
  readonly #worker: Native;

  private constructor(addon: Addon, worker: Native) {
    this.#addon = addon;
    this.#worker = worker;
  }

  static async start(
    addon: Addon,
    client: Client,
    settings: WorkerSettings & { identity: string },
    namespace: string,
  ): Promise<CoreWorker> {
    try {
      const worker = addon.newWorker(client, workerOptions(settings, namespace));
      await addon.workerValidate(worker);
      return new CoreWorker(addon, worker);
    } catch (error) {
      const known = bridgeError(error, `start a worker on the task queue ${settings.taskQueue}`);
      // Core reports an unknown namespace only in the text of the message.
      if (!/\bNotFound\b/.test(known.message)) throw known;
      throw new WippyError("NotFound", known.message, { retryable: false, cause: error });
    }
  }

  /** The next activation; undefined when the worker has ended. @throws WippyError */
  async pollActivation(): Promise<coresdk.workflow_activation.WorkflowActivation | undefined> {
    const bytes = await ofPoll(this.#addon.workerPollWorkflowActivation(this.#worker));
    return bytes && WorkflowActivation.decode(bytes);
  }

  /** @throws WippyError */
  async completeActivation(
    completion: coresdk.workflow_completion.IWorkflowActivationCompletion,
  ): Promise<void> {
    const bytes = prefixed(WorkflowActivationCompletion.encodeDelimited(completion));
    await this.#addon.workerCompleteWorkflowActivation(this.#worker, bytes).catch(fail);
  }

  /** The next attempt, or the cancellation of one; undefined when the worker has ended. @throws WippyError */
  async pollActivityTask(): Promise<coresdk.activity_task.ActivityTask | undefined> {
    const bytes = await ofPoll(this.#addon.workerPollActivityTask(this.#worker));
    return bytes && ActivityTask.decode(bytes);
  }

  /** @throws WippyError */
  async completeActivityTask(completion: coresdk.IActivityTaskCompletion): Promise<void> {
    const bytes = prefixed(ActivityTaskCompletion.encodeDelimited(completion));
    await this.#addon.workerCompleteActivityTask(this.#worker, bytes).catch(fail);
  }

  /** Core sends at most one per throttle interval to the server. */
  heartbeat(heartbeat: coresdk.IActivityHeartbeat): void {
    const bytes = prefixed(ActivityHeartbeat.encodeDelimited(heartbeat));
    this.#addon.workerRecordActivityHeartbeat(this.#worker, bytes);
  }

  /** Starts the shutdown. Continue to poll until the polls return undefined. */
  shutdown(): void {
    this.#addon.workerInitiateShutdown(this.#worker);
  }

  /** Ends it, after all polls returned undefined and all tasks were completed. @throws WippyError */
  async finalize(): Promise<void> {
    await this.#addon.workerFinalizeShutdown(this.#worker).catch(fail);
  }
}

function fail(error: unknown): never {
  throw bridgeError(error);
}

async function ofPoll(poll: Promise<Buffer>): Promise<Buffer | undefined> {
  try {
    return await poll;
  } catch (error) {
    if (isShutdown(error)) return undefined;
    throw bridgeError(error);
  }
}

/** Core accepts only views of a Buffer's memory. */
function prefixed(writer: { finish(): Uint8Array }): Buffer {
  return Buffer.from(writer.finish());
}

/** The options of a worker, as Core takes them. */
export function workerOptions(
  settings: WorkerSettings & { identity: string },
  namespace: string,
): NativeOptions {
  const { version, takes = { workflows: true, activities: true } } = settings;
  const slots = (numSlots = 1_000) => ({ type: "fixed-size", numSlots }) as const;
  const pollers = (maximum = 20) => ({ type: "simple-maximum", maximum }) as const;
  const buildId = version?.buildId ?? settings.buildId ?? "wippy";
  return {
    identity: settings.identity,
    buildId,
    useVersioning: version !== undefined,
    workerDeploymentOptions: version
      ? {
        version: { buildId, deploymentName: version.deploymentName },
        useWorkerVersioning: true,
        defaultVersioningBehavior: version.defaultBehavior
          ? { type: version.defaultBehavior }
          : null,
      }
      : null,
    taskQueue: settings.taskQueue,
    namespace,
    tuner: {
      workflowTaskSlotSupplier: slots(settings.workflowTasks),
      activityTaskSlotSupplier: slots(settings.activities),
      localActivityTaskSlotSupplier: slots(settings.localActivities),
      nexusTaskSlotSupplier: slots(1),
      resourceBasedTunerConfig: null,
    },
    nonStickyToStickyPollRatio: 0.2,
    workflowTaskPollerBehavior: pollers(settings.workflowPollers),
    activityTaskPollerBehavior: pollers(settings.activityPollers),
    nexusTaskPollerBehavior: pollers(1),
    taskTypes: {
      enableWorkflows: takes.workflows,
      enableLocalActivities: takes.workflows,
      enableRemoteActivities: takes.activities,
      enableNexus: false,
    },
    stickyQueueScheduleToStartTimeout: settings.stickyTimeout ?? 5_000,
    maxCachedWorkflows: settings.cachedRuns ?? 10_000,
    maxHeartbeatThrottleInterval: settings.maxHeartbeatThrottle ?? 60_000,
    defaultHeartbeatThrottleInterval: settings.defaultHeartbeatThrottle ?? 30_000,
    maxTaskQueueActivitiesPerSecond: settings.queueActivitiesPerSecond ?? null,
    maxActivitiesPerSecond: settings.activitiesPerSecond ?? null,
    maxEagerActivityReservationsPerWorkflowTask: settings.eagerActivities ?? 3,
    shutdownGraceTime: settings.stopTimeout ?? 0,
    plugins: [],
    storageDrivers: [],
    workflowFailureErrors: [],
    workflowTypesToFailureErrors: {},
    disablePayloadErrorLimit: false,
  };
}
