import { createHash } from "node:crypto";
import type { LogLevel } from "../../../observe/log.ts";
import type { Platform } from "../../../platform/platform.ts";
import { sleep } from "../../../platform/platform.ts";
import { parseId } from "../../../registry/entry.ts";
import { WippyError } from "../../../vm/error.ts";
import { decodeBody, encodeBody } from "../codec.ts";
import type {
  ConsumeOptions,
  Consumption,
  DriverQueue,
  Message,
  PublishOptions,
  QueueDriver,
  QueueInfo,
  Received,
} from "../driver.ts";
import { type Receiver, Receivers } from "../receivers.ts";
import type { QueueSettings, SqsDriverSettings } from "../schema.ts";
import { type Attribute, receivedOf, sentOf } from "./attributes.ts";
import type { SqsClient } from "./client.ts";

/** Seconds that SQS waits for a message before it answers that there is none. */
const longPoll = 20;
/** Seconds for which a message that was delivered is nobody else's; extended while its handler works. */
const visibility = 30;
/** Tries of a request before its failure is reported. */
const tries = 3;
/** Messages that one request returns at most. */
const mostReceived = 10;

/** A message as SQS delivers it. */
interface Delivered {
  MessageId: string;
  ReceiptHandle: string;
  Body: string;
  MD5OfBody?: string;
  Attributes?: Record<string, string>;
  MessageAttributes?: Record<string, Attribute>;
}

/** What queues need of their driver. */
export interface SqsContext {
  client: SqsClient;
  platform: Platform;
  settings: SqsDriverSettings;
  log(level: LogLevel, message: string, fields?: Record<string, unknown>): void;
}

function digest(text: string): string {
  return createHash("md5").update(text).digest("hex");
}

/** A queue of SQS. */
class SqsQueue implements DriverQueue {
  /** SQS has no limit. */
  readonly room = Infinity;
  readonly #context: SqsContext;
  readonly #settings: QueueSettings;
  readonly #url: string;
  readonly #receivers = new Receivers();
  readonly #stopped = new AbortController();
  #inFlight = 0;

  constructor(context: SqsContext, settings: QueueSettings, url: string) {
    this.#context = context;
    this.#settings = settings;
    this.#url = url;
  }

  get #isFifo(): boolean {
    return this.#url.endsWith(".fifo");
  }

  /** Asks about this queue, again after a failure that may pass. @throws WippyError */
  async #ask<Answer>(action: string, input: object, signal?: AbortSignal): Promise<Answer> {
    const { client, platform } = this.#context;
    for (let attempt = 1;; attempt++) {
      try {
        return await client.ask<Answer>(action, { QueueUrl: this.#url, ...input }, signal);
      } catch (error) {
        if (WippyError.from(error).retryable !== true || attempt === tries) throw error;
        await sleep(platform, 100 * 2 ** attempt * platform.random.fraction());
      }
    }
  }

  async publish(message: Message, { delay = 0, signal }: PublishOptions): Promise<void> {
    const { codec } = this.#settings;
    const bytes = encodeBody(message.body, codec);
    // SQS takes text only.
    const body = bytes.toString(codec === "json/plain" ? "utf8" : "base64");
    const sent = sentOf(message, delay);
    if (this.#isFifo) {
      sent.MessageGroupId ??= "default";
      sent.MessageDeduplicationId ??= message.id;
    }
    const input = { MessageBody: body, ...sent };
    const answer = await this.#ask<{ MD5OfMessageBody?: string }>("SendMessage", input, signal);
    const { disable_message_checksum_validation: unchecked } = this.#context.settings;
    if (!unchecked && answer.MD5OfMessageBody !== digest(body)) {
      throw new WippyError("Internal", "SQS got another body than was sent", { retryable: true });
    }
  }

  consume(options: ConsumeOptions): Promise<Consumption> {
    const receiver = this.#receivers.add(options);
    const ended = new AbortController();
    const signal = AbortSignal.any([ended.signal, this.#stopped.signal]);
    void this.#poll(receiver, signal);
    return Promise.resolve({
      detach: () => {
        this.#receivers.remove(receiver);
        ended.abort();
        return Promise.resolve();
      },
    });
  }

  /** Resolves when the receiver may get more. */
  #credited = Promise.withResolvers<void>();

  async #poll(receiver: Receiver, signal: AbortSignal): Promise<void> {
    const { client, platform, log } = this.#context;
    for (let failures = 0; !signal.aborted;) {
      if (receiver.credit === 0) {
        await this.#credited.promise;
        continue;
      }
      try {
        const { Messages = [] } = await client.ask<{ Messages?: Delivered[] | null }>(
          "ReceiveMessage",
          {
            QueueUrl: this.#url,
            MaxNumberOfMessages: Math.min(mostReceived, receiver.credit),
            WaitTimeSeconds: longPoll,
            VisibilityTimeout: visibility,
            AttributeNames: ["All"],
            MessageAttributeNames: ["All"],
          },
          signal,
        );
        failures = 0;
        for (const message of Messages ?? []) this.#deliver(message, receiver);
      } catch (error) {
        if (signal.aborted) return;
        failures += 1;
        log("warn", "cannot receive from SQS", { error: WippyError.from(error).message });
        const late = Promise.withResolvers<void>();
        const cancel = platform.setTimer(
          Math.min(30_000, 500 * 2 ** failures),
          () => late.resolve(),
        );
        signal.addEventListener("abort", () => late.resolve(), { once: true });
        await late.promise;
        cancel();
      }
    }
  }

  #deliver(delivered: Delivered, receiver: Receiver): void {
    const { MessageId, ReceiptHandle, Body, MD5OfBody, Attributes = {} } = delivered;
    const { settings, log, platform } = this.#context;
    const unchecked = settings.disable_message_checksum_validation || MD5OfBody === undefined;
    if (!unchecked && MD5OfBody !== digest(Body)) {
      log("error", "a message of SQS arrived damaged; it is delivered again", {
        message_id: MessageId,
      });
      return;
    }
    receiver.credit -= 1;
    this.#inFlight += 1;
    const { codec } = this.#settings;
    const bytes = Buffer.from(Body, codec === "json/plain" ? "utf8" : "base64");
    const keep = (seconds: number) =>
      this.#ask("ChangeMessageVisibility", { ReceiptHandle, VisibilityTimeout: seconds });
    let cancel = () => {};
    const extend = () => {
      cancel = platform.setTimer(visibility * 1000 / 2, () => {
        keep(visibility).catch((error) =>
          log("warn", "cannot keep a message of SQS", { error: WippyError.from(error).message })
        );
        extend();
      });
    };
    extend();
    const settle = async (action: () => Promise<unknown>) => {
      cancel();
      try {
        await action();
      } finally {
        this.#inFlight -= 1;
        receiver.credit += 1;
        this.#credited.resolve();
        this.#credited = Promise.withResolvers();
      }
    };
    const received: Received = {
      ...receivedOf(MessageId, delivered.MessageAttributes, Attributes),
      body: decodeBody(bytes, codec),
      attempt: Number(Attributes["ApproximateReceiveCount"] ?? 1),
      ack: () => settle(() => this.#ask("DeleteMessage", { ReceiptHandle })),
      retry: () => settle(() => keep(0)),
      release: () => settle(() => keep(0)),
    };
    receiver.options.deliver(received);
  }

  async info(): Promise<QueueInfo> {
    const { Attributes = {} } = await this.#ask<{ Attributes?: Record<string, string> }>(
      "GetQueueAttributes",
      {
        AttributeNames: ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesDelayed"],
      },
    );
    const ready = Number(Attributes["ApproximateNumberOfMessages"] ?? 0);
    return {
      messages: ready + Number(Attributes["ApproximateNumberOfMessagesDelayed"] ?? 0),
      ready,
      inFlight: this.#inFlight,
      consumers: this.#receivers.size,
      waiting: 0,
    };
  }

  close(): void {
    this.#stopped.abort();
  }
}

/** Queues of SQS, which are made where they are not there. */
export class SqsDriver implements QueueDriver {
  readonly #context: SqsContext;

  constructor(context: SqsContext) {
    this.#context = context;
  }

  async declare(id: string, settings: QueueSettings): Promise<DriverQueue> {
    const { client, settings: driver } = this.#context;
    const name = settings.queue_name ?? parseId(id).name;
    const { message_retention_period, default_delay_seconds } = driver;
    const find = () => client.ask<{ QueueUrl: string }>("GetQueueUrl", { QueueName: name });
    const { QueueUrl } = await find().catch((error) => {
      // With other attributes than those of a queue that is there, a creation would fail.
      if (WippyError.from(error).kind !== "NotFound") throw error;
      return client.ask<{ QueueUrl: string }>("CreateQueue", {
        QueueName: name,
        Attributes: {
          MessageRetentionPeriod: String(message_retention_period),
          DelaySeconds: String(default_delay_seconds),
          ...(name.endsWith(".fifo") && { FifoQueue: "true" }),
        },
      });
    });
    return new SqsQueue(this.#context, settings, QueueUrl);
  }
}
