import { messageHeaders } from "../../operations/queue/headers.ts";
import { unpack } from "../../vm/codec.ts";
import { WippyError } from "../../vm/error.ts";
import type { Publication } from "../../workflows/provider.ts";
import type { ServiceContext } from "../context.ts";
import type { Headers } from "./driver.ts";
import { QueueService } from "./queue-service.ts";

/**
 * Puts a message that a workflow has published into its queue. The message may have come before, under the same id.
 *
 * @throws WippyError not retryable when the queue would never take this message; retryable in every other case
 */
export async function publishForWorkflow(
  { services, platform }: Pick<ServiceContext, "services" | "platform">,
  { queue, messageId: id, body, headers, time, due }: Publication,
): Promise<void> {
  const message = {
    id,
    body,
    headers: messageHeaders(headers && unpack(headers), time) as Headers,
  };
  const delay = Math.max(0, due - platform.now());
  await runningQueue(services, queue).publish(message, { unique: true, delay });
}

/** @throws WippyError retryable: a queue that is not there, or does not run, may do so later */
function runningQueue(services: ServiceContext["services"], id: string): QueueService {
  try {
    return services.get(id, QueueService);
  } catch (error) {
    const { message } = WippyError.from(error);
    throw new WippyError("Unavailable", message, { retryable: true, cause: error });
  }
}
