/** What an activity is told of itself. */
export interface ActivityFacts {
  activityId: string;
  workflowId: string;
  runId: string;
  attempt: number;
  idempotencyToken: string;
  /** Milliseconds since the epoch. */
  scheduledTime: number;
  deadline: number;
  heartbeatTimeout?: number;
  /** Details of the last heartbeat: packed `LuaValue[]`. */
  heartbeat?: Uint8Array;
}

/** A function entry or host operation that a worker runs for a workflow. */
export interface Activity {
  token: string;
  /** Id of the function entry, or name of the host operation. */
  entry: string;
  operation: boolean;
  /** Packed `LuaValue[]`. */
  args: Uint8Array;
  /** Packed frame. */
  frame?: Uint8Array;
  /** PID of the workflow, for operations, which run in its name. */
  pid: string;
  /** Absent for operations. */
  facts?: ActivityFacts;
}
