/**
 * Moves runs from one place to another: what stands at its beginning ends here and begins there.
 * @module
 */
import { WippyError } from "../../vm/error.ts";
import type { RunInfo, StartRequest } from "../provider.ts";
import { obstacle, startLike, type StoredRun } from "./beginning.ts";

/** Where runs come from. */
export interface Origin {
  /** Open runs, the oldest first. */
  open(): RunInfo[];
  /** Runs that were terminated with this reason, the oldest first. */
  closedFor(reason: string): RunInfo[];
  /** @throws WippyError NotFound */
  read(runId: string): StoredRun;
  /** Terminates an open run. */
  close(runId: string, reason: string): void;
  /** Starts a run that goes on in place of one that was closed. */
  restore(request: StartRequest & { workflowId: string }): void;
  end(): void;
}

/** Where runs go. */
export interface Destination {
  /** What it is called in reasons and messages. */
  readonly name: string;
  /** Milliseconds for which it keeps closed runs. */
  retention(): Promise<number>;
  /**
   * Whether there is a workflow of this id, open or closed: `moved` when it is the given run, which was moved there.
   */
  find(workflowId: string, runId: string): Promise<"absent" | "moved" | "other">;
  /**
   * Starts a run in place of another one, unless the workflow id has or had one.
   *
   * @returns its run id
   * @throws WippyError; retryable when it may have been started nevertheless
   */
  start(request: StartRequest & { workflowId: string }, movedFrom: string): Promise<string>;
}

/** What became of a run. `movable`: it would be moved. */
export interface MoveResult {
  workflow_id: string;
  run_id: string;
  entry: string;
  result: "moved" | "movable" | "stays" | "unfinished";
  /** With `stays` and `unfinished`. */
  why?: string;
  /** With `moved`: the run there. */
  new_run_id?: string;
}

/** How runs are moved. */
export interface MoveOptions {
  dryRun: boolean;
  restartTimers: boolean;
  /** The host that a run goes to, or why there is none. */
  hostFor(run: RunInfo): { hostId: string } | { why: string };
  now(): number;
}

/**
 * Moves every run that can begin anew. A run is closed before its successor starts, so that it is never open in both
 * places; when that start is not known to have happened, the next call makes up for it.
 */
export async function* moveRuns(
  origin: Origin,
  destination: Destination,
  options: MoveOptions,
): AsyncGenerator<MoveResult> {
  const reason = `moved to ${destination.name}`;
  const move = new Move(origin, destination, options, reason);
  for (const run of origin.closedFor(reason)) {
    const result = await move.finish(run);
    if (result) yield result;
  }
  // The end of a run may let a schedule start the next one. One that was brought back has the id that it had.
  const seen = new Set<string>();
  for (let found = true; found;) {
    found = false;
    for (const run of origin.open()) {
      if (seen.has(run.workflowId)) continue;
      seen.add(run.workflowId);
      found = true;
      yield await move.begin(run);
    }
  }
}

class Move {
  constructor(
    readonly origin: Origin,
    readonly destination: Destination,
    readonly options: MoveOptions,
    readonly reason: string,
  ) {}

  /** Moves an open run, or finds out why it stays. */
  async begin(run: RunInfo): Promise<MoveResult> {
    const { dryRun, restartTimers, hostFor, now } = this.options;
    const { origin, destination } = this;
    const host = hostFor(run);
    if ("why" in host) return told(run, "stays", host.why);
    const stored = origin.read(run.runId);
    const why = obstacle(stored, restartTimers, now());
    if (why !== undefined) return told(run, "stays", why);
    if (await destination.find(run.workflowId, run.runId) !== "absent") {
      return told(run, "stays", "the server has, or had, a workflow of its id");
    }
    if (dryRun) return told(run, "movable");
    const request = startLike(stored, host.hostId, now());
    origin.close(run.runId, this.reason);
    return await this.#start(run, request);
  }

  /** Starts what was closed and is not there. Undefined for what is. */
  async finish(run: RunInfo): Promise<MoveResult | undefined> {
    const { dryRun, hostFor, now } = this.options;
    const { origin, destination } = this;
    const closed = run.closeTime ?? 0;
    const found = await destination.find(run.workflowId, run.runId);
    if (found === "moved") return undefined;
    // A run that was brought back, or has been followed by another one, is not this one's successor.
    if (origin.open().some(({ workflowId }) => workflowId === run.workflowId)) return undefined;
    // What was there once, and is gone, must not begin again.
    if (closed + await destination.retention() <= now()) return undefined;
    if (found === "other") {
      return told(
        run,
        "unfinished",
        "it was closed to be moved, and the server has another workflow of its id",
      );
    }
    const host = hostFor(run);
    if ("why" in host) return told(run, "unfinished", `it was closed to be moved, and ${host.why}`);
    if (dryRun) return told(run, "movable");
    return await this.#start(run, startLike(origin.read(run.runId), host.hostId, now()));
  }

  async #start(
    run: RunInfo,
    request: StartRequest & { workflowId: string },
  ): Promise<MoveResult> {
    try {
      const started = await this.destination.start(request, run.runId);
      return { ...told(run, "moved"), new_run_id: started };
    } catch (error) {
      const { message, retryable, kind } = WippyError.from(error);
      if (retryable || kind === "Timeout" || kind === "Unavailable") {
        const why =
          `it is closed here and may not have started there: ${message}; run the command again`;
        return told(run, "unfinished", why);
      }
      this.origin.restore({ ...request, hostId: run.hostId });
      return told(run, "stays", `the server refuses it: ${message}`);
    }
  }
}

function told(run: RunInfo, result: MoveResult["result"], why?: string): MoveResult {
  const { workflowId, runId, entry } = run;
  return {
    workflow_id: workflowId,
    run_id: runId,
    entry,
    result,
    ...why !== undefined && { why },
  };
}
