import type { Channel, ConsumeMessage, Options } from "amqplib";
import { WippyError } from "../../../vm/error.ts";
import { parseId } from "../../../registry/entry.ts";
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
import type { AmqpDriverSettings, QueueSettings } from "../schema.ts";
import { AmqpConnection, type ConnectionPlace, failureOf, type Live } from "./connection.ts";
import { attemptOf, attemptsHeader, headersOf, propertiesOf } from "./properties.ts";
import { Publisher } from "./publisher.ts";

/** Milliseconds after which the broker drops a queue for delayed messages that nobody uses. */
const delayQueueExpiry = 60_000;

/** What the broker knows a queue by, and how. */
function declarationOf(settings: QueueSettings, driver: AmqpDriverSettings): Options.AssertQueue {
  const { durable, auto_delete, message_ttl, queue_expiry, max_length } =
    settings.driver_options.amqp;
  const ttl = message_ttl ?? driver.default_queue_ttl;
  const expires = queue_expiry ?? driver.default_queue_expiry;
  return {
    durable,
    autoDelete: auto_delete,
    ...(ttl !== undefined && { messageTtl: ttl }),
    ...(expires !== undefined && { expires }),
    ...(max_length !== undefined && { maxLength: max_length }),
  };
}

/** One consumer, on a channel of its own that is made anew with each connection. */
class AmqpConsumer {
  #channel: Channel | undefined;
  #tag: string | undefined;
  #detached = false;

  constructor(
    readonly queue: AmqpQueue,
    readonly options: ConsumeOptions,
    readonly driver: AmqpDriver,
  ) {}

  async subscribe({ model }: Live): Promise<void> {
    if (this.#detached) return;
    const { concurrency, prefetch, autoAck, driverOptions } = this.options;
    const { exclusive, no_local, consumer_tag } = driverOptions.amqp;
    const channel = await model.createChannel();
    channel.on("error", (error) => this.#ended(channel, error));
    channel.on("close", () => this.#ended(channel));
    this.#channel = channel;
    await channel.prefetch(this.driver.settings.prefetch_count ?? Math.max(prefetch, concurrency));
    const deliver = (message: ConsumeMessage | null) => {
      // The broker has ended it: the queue was deleted, or moved to another node.
      if (message === null) void channel.close().catch(() => {});
      else this.options.deliver(this.#received(channel, message));
    };
    const { consumerTag } = await channel.consume(this.queue.name, deliver, {
      noAck: autoAck,
      exclusive,
      noLocal: no_local,
      ...(consumer_tag !== undefined && { consumerTag: consumer_tag }),
    });
    this.#tag = consumerTag;
  }

  /** A channel that ends while the connection stays is made again. */
  #ended(channel: Channel, error?: Error): void {
    if (this.#channel !== channel) return;
    this.#channel = undefined;
    if (this.#detached || !this.driver.connection.isLive) return;
    this.driver.place.log("warn", `the broker ended a consumer of ${this.queue.name}`, {
      ...(error && { error: error.message }),
    });
    this.driver.later(async (live) => {
      await this.queue.assert(live);
      await this.subscribe(live);
    });
  }

  #received(channel: Channel, message: ConsumeMessage): Received {
    const { properties, content } = message;
    const { autoAck } = this.options;
    const attempt = attemptOf(properties);
    const done = (act: () => void): Promise<void> => {
      if (autoAck) return Promise.resolve();
      try {
        act();
        return Promise.resolve();
      } catch (error) {
        // The channel on which it came is gone, and the broker delivers it again.
        return Promise.reject(failureOf(error));
      }
    };
    return {
      id: String(
        properties.messageId ?? `${message.fields.consumerTag}.${message.fields.deliveryTag}`,
      ),
      body: decodeBody(content, this.queue.settings.codec),
      headers: headersOf(properties),
      attempt,
      ack: () => done(() => channel.ack(message)),
      retry: async () => {
        if (autoAck) return;
        // Classic queues do not count deliveries, so the message goes to the tail with a count of its own.
        const { headers, ...others } = properties;
        await this.driver.publisher.publish(this.queue.name, content, {
          ...others,
          persistent: properties.deliveryMode !== 1,
          mandatory: true,
          headers: { ...headers, [attemptsHeader]: attempt },
        }).catch((error) => {
          channel.nack(message, false, true);
          throw error;
        });
        await done(() => channel.ack(message));
      },
      release: () => done(() => channel.nack(message, false, true)),
    };
  }

  async detach(): Promise<void> {
    this.#detached = true;
    this.queue.consumers.delete(this);
    // The channel stays, since what was delivered on it is settled on it.
    if (this.#channel && this.#tag !== undefined) {
      await this.#channel.cancel(this.#tag).catch(() => {});
    }
  }
}

/** A queue of a broker. */
class AmqpQueue implements DriverQueue {
  /** The broker decides. */
  readonly room = Infinity;
  readonly name: string;
  readonly consumers = new Set<AmqpConsumer>();
  #inFlight = 0;

  constructor(
    id: string,
    readonly settings: QueueSettings,
    readonly driver: AmqpDriver,
  ) {
    this.name = settings.queue_name ?? parseId(id).name;
  }

  /** Declares it on the broker. @throws WippyError Invalid where it is there with other properties */
  async assert({ model }: Live): Promise<void> {
    await this.driver.onChannel(
      model,
      (channel) =>
        channel.assertQueue(this.name, declarationOf(this.settings, this.driver.settings)),
    );
  }

  async publish(message: Message, { delay = 0, signal }: PublishOptions): Promise<void> {
    const { codec } = this.settings;
    const content = encodeBody(message.body, codec);
    const type = codec === "json/plain" ? "application/json" : codec;
    const expiration = this.driver.settings.default_message_ttl;
    const options = propertiesOf(message, type, expiration);
    const target = delay > 0 ? await this.#delayed(Math.ceil(delay), signal) : this.name;
    await this.driver.publisher.publish(target, content, options, signal);
  }

  /** A queue where messages stay so long, and then go to this one. */
  async #delayed(delay: number, signal: AbortSignal | undefined): Promise<string> {
    const { model } = await this.driver.connection.live(signal);
    const name = `${this.name}.delay.${delay}`;
    await this.driver.onChannel(model, (channel) =>
      channel.assertQueue(name, {
        durable: this.settings.driver_options.amqp.durable,
        messageTtl: delay,
        deadLetterExchange: "",
        deadLetterRoutingKey: this.name,
        expires: delay + delayQueueExpiry,
      }));
    return name;
  }

  async consume(options: ConsumeOptions): Promise<Consumption> {
    const consumer = new AmqpConsumer(this, {
      ...options,
      deliver: (message) => {
        this.#inFlight += 1;
        const settled = async (done: Promise<void> | void) => {
          try {
            await done;
          } finally {
            this.#inFlight -= 1;
          }
        };
        options.deliver({
          ...message,
          ack: () => settled(message.ack()),
          retry: () => settled(message.retry()),
          release: () => settled(message.release()),
        });
      },
    }, this.driver);
    this.consumers.add(consumer);
    try {
      await consumer.subscribe(await this.driver.connection.live());
    } catch (error) {
      this.consumers.delete(consumer);
      throw failureOf(error);
    }
    return consumer;
  }

  async info(): Promise<QueueInfo> {
    const { model } = await this.driver.connection.live();
    const { messageCount, consumerCount } = await this.driver.onChannel(
      model,
      (channel) => channel.checkQueue(this.name),
    );
    return {
      messages: messageCount,
      ready: messageCount,
      inFlight: this.#inFlight,
      consumers: consumerCount,
      waiting: 0,
    };
  }

  close(): void {
    this.driver.queues.delete(this);
  }
}

/** Queues of a broker that speaks AMQP 0-9-1, such as RabbitMQ. */
export class AmqpDriver implements QueueDriver {
  readonly connection: AmqpConnection;
  readonly publisher: Publisher;
  readonly queues = new Set<AmqpQueue>();

  constructor(readonly settings: AmqpDriverSettings, readonly place: ConnectionPlace) {
    this.connection = new AmqpConnection(settings, place);
    this.publisher = new Publisher(this.connection);
    this.connection.connected = async (live) => {
      this.publisher.attach(live);
      for (const queue of this.queues) {
        await queue.assert(live);
        for (const consumer of queue.consumers) await consumer.subscribe(live);
      }
    };
  }

  async declare(id: string, settings: QueueSettings): Promise<DriverQueue> {
    const queue = new AmqpQueue(id, settings, this);
    await queue.assert(await this.connection.live());
    this.queues.add(queue);
    return queue;
  }

  /** Does something on a channel of its own, which an error of the broker ends. @throws WippyError */
  async onChannel<Result>(
    model: Live["model"],
    act: (channel: Channel) => Promise<Result>,
  ): Promise<Result> {
    try {
      const channel = await model.createChannel();
      // The answer to what was asked has it, too.
      channel.on("error", () => {});
      try {
        return await act(channel);
      } finally {
        await channel.close().catch(() => {});
      }
    } catch (error) {
      throw failureOf(error);
    }
  }

  /** Does something after the delay of a reconnection, again and again until it succeeds. */
  later(act: (live: Live) => Promise<void>): void {
    const { platform, log } = this.place;
    platform.setTimer(this.settings.reconnect_delay, async () => {
      // A new connection does all of it by itself.
      if (!this.connection.isLive) return;
      try {
        await act(await this.connection.live());
      } catch (error) {
        if (WippyError.from(error).kind === "Invalid") {
          log("error", "a consumer has ended", { error: WippyError.from(error).message });
        } else this.later(act);
      }
    });
  }
}
