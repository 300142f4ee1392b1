/**
 * A worker in miniature for the benches of the journal: activities answer at once, with the same value.
 * @module
 */
import { machine } from "../../../src/platform/machine.ts";
import { pack } from "../../../src/vm/codec.ts";
import type { TaskCompletion, WorkflowTask } from "../../../src/workflows/provider.ts";
import type { SqliteProvider } from "../../../src/workflows/providers/sqlite/provider.ts";
import { TaskQueue } from "../../../src/workflows/tasks/task-queue.ts";

/**
 * Takes what an open provider hands out. Gives the queue, which sends answers at the end of each turn.
 *
 * @param evict forgets a run, where anything is remembered.
 */
export function serve(
  provider: SqliteProvider,
  complete: (task: WorkflowTask) => TaskCompletion | Promise<TaskCompletion>,
  evict: (runId: string) => void = () => {},
): TaskQueue {
  const queue = new TaskQueue(provider.connect(0), machine.defer);
  const value = pack("a result of some forty characters or so.");
  const answer = (completion: TaskCompletion) => queue.answer({ type: "task", completion });
  queue.onHandouts((handouts) => {
    for (const handout of handouts) {
      if (handout.type === "task") {
        const completion = complete(handout.task);
        if (completion instanceof Promise) completion.then(answer);
        else answer(completion);
      } else if (handout.type === "activity") {
        const { token } = handout.task;
        queue.answer({ type: "activity", token, result: { status: "completed", value } });
      } else if (handout.type === "evict") evict(handout.runId);
    }
  });
  return queue;
}
