import type { LuaValue } from "../../vm/value.ts";
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
   * @returns the commands that the code issued, in order; at once when the code did not take long.
   * @throws when the engine itself broke (the VM died); errors of workflow code are a
   * `fail_workflow`.
   */
  activate(activation: Activation): Command[] | Promise<Command[]>;
  /**
   * Hands over tasks of one run that were completed before, in order: as `activate` each, with less to do.
   *
   * @returns the commands of each; of fewer tasks than given when one takes longer or fails, which is the
   * last then.
   */
  replay(activations: Activation[]): (Command[] | Promise<Command[]>)[];
  /**
   * Asks a run that is at rest. Nothing of it changes.
   *
   * @throws WippyError what the handler failed with; NotFound when there is no such handler.
   */
  query(runId: string, name: string, args: LuaValue[]): LuaValue;
  /** Where the code of a run waits, for messages; "" when that is not known. */
  where(runId: string): string;
  /** Forgets a run and frees its memory; does nothing when the run is unknown. */
  evict(runId: string): void;
  /** Whether the run's live state is in memory. */
  has(runId: string): boolean;
}
