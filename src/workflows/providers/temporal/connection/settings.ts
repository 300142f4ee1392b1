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
    /** Accepts every certificate of the server. */
    insecure?: boolean;
    /** Certificate and key of this client. */
    client?: { certificate: Uint8Array; key: Uint8Array };
  };
  /** Sent with each request; needs TLS. */
  apiKey?: string;
  /** @default 10_000 */
  connectionTimeout?: number;
  /**
   * How often the server is asked for a sign of life, and how long that is awaited, in milliseconds.
   *
   * @default 30_000, 10_000
   */
  keepAlive?: { time: number; timeout: number };
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
  /** What it polls for. @default both */
  takes?: { workflows: boolean; activities: boolean };
  /** Workflow tasks at once. @default 1_000 */
  workflowTasks?: number;
  /** Attempts of activities at once. @default 1_000 */
  activities?: number;
  /** Polls for workflow tasks that wait at the server at once; at least 2. @default 5 */
  workflowPollers?: number;
  /** @default 5 */
  activityPollers?: number;
  /** Activities that start per second, of all workers of the queue together. @default no limit */
  queueActivitiesPerSecond?: number;
  /** How long a task waits for the worker that has its run in memory. @default 5_000 */
  stickyTimeout?: number;
  version?: WorkerVersion;
}
