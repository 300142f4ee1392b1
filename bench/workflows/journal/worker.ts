/**
 * A worker in miniature for the benches of the journal: activities answer at once, with the same value.
 * @module
 */
import { machine } from "../../../src/platform/machine.ts";
import { pack } from "../../../src/vm/codec.ts";
import type { SqliteProvider } from "../../../src/workflows/providers/sqlite/sqlite.ts";
import { TaskQueue } from "../../../src/workflows/tasks/queue.ts";
import type { TaskCompletion, WorkflowTask } from "../../../src/workflows/tasks/tasks.ts";

/**
 * Takes what an open provider hands out. Returns the queue, which sends answers at the end of each turn.
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
  queue.onTasks((tasks) => {
    for (const item of tasks) {
      if (item.type === "task") {
        const completion = complete(item.task);
        if (completion instanceof Promise) completion.then(answer);
        else answer(completion);
      } else if (item.type === "activity") {
        const { token } = item.task;
        queue.answer({ type: "activity", token, result: { status: "completed", value } });
      } else if (item.type === "evict") evict(item.runId);
    }
  });
  return queue;
}
