// A workflow of Temporal's TypeScript SDK that has workflows of ours as children.
import { executeChild } from "@temporalio/workflow";

export async function parent(taskQueue, n) {
  const value = await executeChild("app:order", { taskQueue, args: [n, { nested: [true, null] }] });
  const failure = await executeChild("app:failing", { taskQueue, args: [] }).then(
    () => "it did not fail",
    ({ cause }) => ({ type: cause.type, message: cause.message, nonRetryable: cause.nonRetryable }),
  );
  return { value, failure };
}
