/**
 * Settings of a connection to a Temporal server and of a worker on it. Durations are in milliseconds; absent fields
 * have Temporal's default.
 * @module
 */

/** Settings of a connection. */
export interface ConnectionSettings {
  /** `host:port`. */
  address: string;
  namespace: string;
  /** Identity in Temporal's tools. @default process id and host name */
  identity?: string;
  /** If set, the connection uses TLS. Certificates and keys are PEM. */
  tls?: {
    /** Certificates of the accepted authorities. @default the machine's */
    ca?: Uint8Array;
    /** Name that the server's certificate must have. @default the host of the address */
    serverName?: string;
    /** Certificate and key of this client. */
    client?: { certificate: Uint8Array; key: Uint8Array };
  };
  /** Sent with each request; needs TLS. */
  apiKey?: string;
  /** @default 10_000 */
  connectionTimeout?: number;
  /** Folders in whose `node_modules` the addon may be, besides the places that are always searched. */
  folders?: readonly string[];
  /** Takes the log records of Temporal's Core. */
  log?: (record: CoreLogRecord) => void;
}

/** A record of the log of Temporal's Core. */
export interface CoreLogRecord {
  level: "debug" | "info" | "warn" | "error";
  message: string;
  fields: Record<string, unknown>;
}

/** A version of a worker, by which the server routes runs. */
export interface WorkerVersion {
  deploymentName: string;
  buildId: string;
  /** `pinned`: a run stays on its version; `auto-upgrade`: it may move at each task. */
  defaultBehavior?: "pinned" | "auto-upgrade";
}

/** Settings of a worker. */
export interface WorkerSettings {
  /** With the prefix of the client. */
  taskQueue: string;
  identity?: string;
  /** What it polls for. @default both */
  takes?: { workflows: boolean; activities: boolean };
  /** Workflow tasks at once. @default 1_000 */
  workflowTasks?: number;
  /** Attempts of activities at once. @default 1_000 */
  activities?: number;
  /** Local activities at once. @default 1_000 */
  localActivities?: number;
  /** Polls for workflow tasks that wait at the server at once; at least 2. @default 20 */
  workflowPollers?: number;
  /** @default 20 */
  activityPollers?: number;
  /** Activities that start per second, of this worker. @default no limit */
  activitiesPerSecond?: number;
  /** The same of all workers of the queue together. @default no limit */
  queueActivitiesPerSecond?: number;
  /** Activities that the server may hand over with the completion of a task. 0: none. @default 3 */
  eagerActivities?: number;
  /** Runs that are kept in memory. @default 10_000 */
  cachedRuns?: number;
  /** How long a task waits for the worker that has its run in memory. @default 5_000 */
  stickyTimeout?: number;
  /** How long running activities may go on when the worker stops. @default 0 */
  stopTimeout?: number;
  /** @default 60_000 */
  maxHeartbeatThrottle?: number;
  /** @default 30_000 */
  defaultHeartbeatThrottle?: number;
  version?: WorkerVersion;
  /** Names the code of this worker in histories where it has no version. @default the program's version */
  buildId?: string;
}
