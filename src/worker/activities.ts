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
}
