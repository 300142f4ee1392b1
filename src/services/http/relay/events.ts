import { writeJson } from "../../../operations/json/write.ts";
import { WippyError } from "../../../vm/error.ts";
import type { LuaValue } from "../../../vm/value.ts";
import type { ServiceContext, ServiceUnit } from "../../context.ts";
import type { Exchange } from "../exchange.ts";
import { type Connection, type Relays, valueOf } from "./relay.ts";
import { type RelaySettings, settingsOf } from "./settings.ts";
import { Target } from "./target.ts";

const defaultTopic = "sse.message";
/** Messages that wait for a client. */
const mailbox = 32;

/** Seconds that a stop waits for a client that does not read. */
const patience = 1;

/** Topics that are about the connection, and never go to the client. */
const reserved: ReadonlySet<string> = new Set([
  "sse.control",
  "sse.close",
  "sse.join",
  "sse.leave",
  "sse.heartbeat",
  "events",
]);

/** One event in the form of the protocol; each line of its data is a line of its own. */
function eventOf(name: string, data: string): string {
  const lines = data.split(/\r\n|\r|\n/).map((line) => `data: ${line}\n`);
  return `event: ${name.replace(/[\r\n]/g, " ")}\n${lines.join("")}\n`;
}

/** @throws WippyError Invalid for what is no JSON */
function dataOf(topic: string, value: LuaValue): string {
  if (typeof value === "string") return value;
  if (value instanceof Uint8Array) return Buffer.from(value).toString("base64");
  try {
    return writeJson(value, new Set());
  } catch (error) {
    const { message } = WippyError.from(error);
    throw new WippyError("Invalid", `${topic}: ${message}`, { retryable: false });
  }
}

/** A client that reads a stream of events. */
export class EventConnection implements Connection {
  readonly type = "sse";
  readonly since: number;
  readonly remote: string;
  readonly #exchange: Pick<Exchange, "limitSilence">;
  /** The body of its response. */
  readonly body: ReadableStream<Uint8Array>;
  readonly #context: ServiceContext;
  readonly #relays: Relays;
  readonly #unit: ServiceUnit;
  readonly #target: Target;
  readonly #waiting: string[] = [];
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  #wanted: PromiseWithResolvers<void> | undefined;
  #topic = defaultTopic;
  #idle = 0;
  #cancelIdle: () => void = () => {};
  #cancelHard: () => void = () => {};
  #forwarded = 0;
  #closing = false;
  #ended = false;

  constructor(
    context: ServiceContext,
    relays: Relays,
    settings: RelaySettings,
    exchange: Pick<Exchange, "remote" | "limitSilence">,
  ) {
    this.remote = exchange.remote;
    this.#exchange = exchange;
    this.#context = context;
    this.#relays = relays;
    this.since = context.platform.now();
    this.#unit = context.units.open({
      message: (topic, _from, values) => this.#message(topic, valueOf(values)),
      cancel: (reason) => this.#close(reason || "closed by server"),
      terminated: () => this.#close("closed by server"),
      exited: (pid) => {
        if (this.#target.is(pid)) this.#targetGone();
      },
    });
    this.#target = new Target(context, this.#unit, {
      prefix: "sse",
      limit: relays.limit,
      messages: () => this.#forwarded,
      beat: () => {
        // A client that does not read needs no more to read.
        if (this.#waiting.length === 0) this.#put(": ping\n\n");
      },
      gone: () => this.#targetGone(),
      refused: (error) =>
        context.log("warn", `${this.pid}: the target takes no message: ${error.message}`),
      describes: false,
    });
    this.body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        this.#controller = controller;
      },
      pull: () => {
        const wanted = this.#wanted = Promise.withResolvers<void>();
        this.#pump();
        return wanted.promise;
      },
      cancel: () => this.closed(),
    }, { highWaterMark: 0 });
    relays.add(this);
    if (settings.topic) this.#topic = settings.topic;
    if (settings.target) {
      // Bun sends the head of a response with the first bytes of its body: a comment, which clients pass over.
      this.#put(":\n\n");
    } else {
      const { metadata } = settings;
      const described = {
        stream_pid: this.pid,
        message_topic: this.#topic,
        ...(metadata !== undefined && { metadata }),
      };
      this.#put(eventOf("ready", writeJson(described, new Set())));
    }
    this.#times(settings);
    this.#target.start(settings);
  }

  get pid(): string {
    return this.#unit.pid;
  }

  get target(): string | undefined {
    return this.#target.pid;
  }

  #times({ idle, hard }: RelaySettings): void {
    if (idle !== undefined) {
      this.#idle = idle;
      this.#waitForMessages();
    }
    if (hard !== undefined) {
      this.#cancelHard();
      const left = Math.max(0, hard - (this.#context.platform.now() - this.since));
      if (hard > 0) {
        this.#cancelHard = this.#context.platform.setTimer(left, () => this.#close("hard timeout"));
      }
    }
  }

  #waitForMessages(): void {
    this.#cancelIdle();
    if (this.#idle <= 0) return;
    this.#cancelIdle = this.#context.platform.setTimer(
      this.#idle,
      () => this.#close("idle timeout"),
    );
  }

  #message(topic: string, value: LuaValue): void {
    if (topic === "sse.close") {
      return this.#close(typeof value === "string" && value !== "" ? value : "closed by server");
    }
    if (topic === "sse.control") return this.#control(settingsOf(value, true));
    const wanted = this.#topic === "*" || topic === this.#topic;
    if (!wanted || reserved.has(topic) || this.#closing) return;
    if (this.#waiting.length >= mailbox) {
      throw new WippyError("Unavailable", `mailbox full: ${this.pid} (limit ${mailbox})`, {
        retryable: true,
      });
    }
    this.#put(eventOf(topic, dataOf(topic, value)));
    this.#forwarded += 1;
    this.#waitForMessages();
  }

  #control(settings: RelaySettings): void {
    if (settings.topic !== undefined) this.#topic = settings.topic || defaultTopic;
    this.#times(settings);
    this.#target.apply(settings);
  }

  #put(text: string): void {
    this.#waiting.push(text);
    this.#pump();
  }

  /** Hands the client what waits, when it wants more. */
  #pump(): void {
    if (this.#wanted === undefined || this.#ended) return;
    if (this.#waiting.length > 0) {
      this.#controller?.enqueue(Buffer.from(this.#waiting.join("")));
      this.#waiting.length = 0;
    } else if (this.#closing) {
      this.#controller?.close();
      this.closed();
    } else {
      return;
    }
    this.#wanted.resolve();
    this.#wanted = undefined;
  }

  #targetGone(): void {
    this.#target.close(false);
    this.#close("target process exited");
  }

  /** The client reads what waits, and why there is no more. */
  #close(reason: string): void {
    if (this.#closing) return;
    this.#waiting.push(eventOf("done", JSON.stringify({ reason })));
    this.#closing = true;
    this.#pump();
  }

  stop(): void {
    this.#close("closed by server");
    if (!this.#ended) this.#exchange.limitSilence(patience);
  }

  /** The connection has ended. */
  closed(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#closing = true;
    this.#waiting.length = 0;
    this.#cancelIdle();
    this.#cancelHard();
    this.#target.close(true);
    this.#relays.remove(this.pid);
    this.#unit.end("sse connection closed");
  }
}
