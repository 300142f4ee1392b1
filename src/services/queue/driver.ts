/**
 * What a driver of queues is: the port between the kinds `queue.queue` and `queue.consumer` and what carries messages.
 *
 * A driver delivers each message at least once. Attempts and dead letters are the queue's business: see
 * `queue-service.ts`.
 * @module
 */
import type { LuaFloat } from "../../vm/value.ts";
import type { Figure } from "../service.ts";
import type { QueueSettings } from "./schema.ts";

/** The value of a header. */
export type HeaderValue = string | number | bigint | boolean | LuaFloat | Uint8Array;

/** Headers by name. */
export type Headers = Record<string, HeaderValue>;

/** A message on its way. */
export interface Message {
  id: string;
  /** A packed Lua value (`src/vm/codec.ts`). */
  body: Uint8Array;
  headers: Headers;
}

/** How a message is published. */
export interface PublishOptions {
  /** Milliseconds before it may be delivered. @default 0 */
  delay?: number;
  /** A second message of the same id is the same message, and is dropped where the driver can tell. @default false */
  unique?: boolean;
  /** Ends the wait for room. */
  signal?: AbortSignal;
}

/** A message that a consumer has in hand. Exactly one of the three is called. */
export interface Received extends Message {
  /** Which delivery this is, from 1. */
  attempt: number;
  /** It is done: it will not be delivered again, once a promise is fulfilled. @throws WippyError Unavailable */
  ack(): Promise<void> | void;
  /** It failed: it goes to the tail of its queue. */
  retry(): Promise<void>;
  /** It was not looked at: it goes back, and this delivery does not count. */
  release(): Promise<void>;
}

/** How a consumer receives. */
export interface ConsumeOptions {
  /** Handlers at work at most. */
  concurrency: number;
  /** Messages at most that wait for a handler. */
  prefetch: number;
  /** Messages are settled when they are delivered. */
  autoAck: boolean;
  /** Of the consumer's entry. */
  driverOptions: { amqp: AmqpConsumerOptions };
  /** Called for each message. */
  deliver(message: Received): void;
}

/** `driver_options.amqp` of a consumer. */
export interface AmqpConsumerOptions {
  exclusive: boolean;
  no_local: boolean;
  no_wait: boolean;
  consumer_tag?: string | undefined;
}

/** A consumer's place at a queue. */
export interface Consumption {
  /** Nothing more is delivered. What was delivered stays to be settled. */
  detach(): Promise<void>;
}

/** How a queue is. */
export interface QueueInfo {
  /** Messages that wait, delayed ones included. */
  messages: number;
  /** Messages that could be delivered now. */
  ready: number;
  /** Delivered messages that are not settled. */
  inFlight: number;
  consumers: number;
  /** Publishers that wait for room. */
  waiting: number;
}

/** One queue of a driver. */
export interface DriverQueue {
  /** Messages that can be published without waiting. */
  readonly room: number;
  /**
   * Puts a message into the queue; waits while that is full. Returns a promise where that takes a while.
   *
   * @throws WippyError Unavailable (retryable), Canceled
   */
  publish(message: Message, options: PublishOptions): Promise<void> | void;
  consume(options: ConsumeOptions): Promise<Consumption>;
  /** @throws WippyError Unavailable */
  info(): Promise<QueueInfo>;
  /** What it knows without asking anybody. */
  figures?(): Figure[];
  /** The queue's service stops: who waits for room is refused. What is in the queue stays where it is. */
  close(): void;
}

/** What carries the messages of queues. */
export interface QueueDriver {
  /** Declares a queue, so that it is there. @throws WippyError Unavailable, Invalid */
  declare(id: string, settings: QueueSettings): Promise<DriverQueue>;
}

/** How full a queue is, for the metrics. */
export function depthFigures(messages: number, inFlight: number): Figure[] {
  return [
    { name: "wippy_queue_messages", help: "Messages that wait in a queue.", value: messages },
    {
      name: "wippy_queue_in_flight",
      help: "Messages of a queue that are delivered and not settled.",
      value: inFlight,
    },
  ];
}
