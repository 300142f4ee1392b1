import type { Activation } from "./activation.ts";
import type { Command } from "./command.ts";

/**
 * Runs workflow code: activations in, commands out. It holds the live state of the runs it has
 * seen, knows nothing of history or storage, and may forget a run at any time (`has` then answers
 * false and the run is replayed from its first event).
 */
export interface Engine {
  /**
   * Hands over a task and runs the code until every coroutine is parked.
   *
   * @returns the commands that the code issued, in order.
   * @throws when the engine itself broke (the VM died); errors of workflow code are a
   * `fail_workflow`.
   */
  activate(activation: Activation): Promise<Command[]>;
  /** Forgets a run and frees its memory; does nothing when the run is unknown. */
  evict(runId: string): void;
  /** Whether the run's live state is in memory. */
  has(runId: string): boolean;
}
