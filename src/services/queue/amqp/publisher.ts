import type { ConfirmChannel, Options } from "amqplib";
import { WippyError } from "../../../vm/error.ts";
import { type AmqpConnection, failureOf, type Live } from "./connection.ts";

/** Publishes on the channel of a connection and waits until the broker has each message. */
export class Publisher {
  readonly #connection: AmqpConnection;
  /** Message ids that no queue was there for, until their confirmation comes. */
  readonly #returned = new WeakMap<ConfirmChannel, Set<string>>();

  constructor(connection: AmqpConnection) {
    this.#connection = connection;
  }

  /** Follows what the broker returns. */
  attach({ publisher }: Live): void {
    const returned = new Set<string>();
    this.#returned.set(publisher, returned);
    publisher.on("return", ({ properties }) => returned.add(String(properties.messageId)));
  }

  /** @throws WippyError Unavailable (retryable) when the broker does not take it, Canceled */
  async publish(
    queue: string,
    content: Buffer,
    options: Options.Publish,
    signal?: AbortSignal,
  ): Promise<void> {
    const { model, publisher } = await this.#connection.live(signal);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const cancel = () =>
      reject(new WippyError("Canceled", "operation canceled", { retryable: false }));
    const lost = () =>
      reject(failureOf(new Error("the connection was lost before the message was confirmed")));
    model.once("close", lost);
    signal?.addEventListener("abort", cancel, { once: true });
    try {
      publisher.sendToQueue(queue, content, options, (error) => {
        if (error) reject(failureOf(new Error("it refused the message")));
        else resolve();
      });
      await promise;
    } catch (error) {
      throw failureOf(error);
    } finally {
      model.removeListener("close", lost);
      signal?.removeEventListener("abort", cancel);
    }
    // The broker returns a message before it confirms it.
    if (this.#returned.get(publisher)?.delete(options.messageId!)) {
      throw new WippyError("Unavailable", `the broker has no queue ${queue}`, { retryable: true });
    }
  }
}
