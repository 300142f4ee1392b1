/**
 * Times of messages at another speed: tests have a clock of their own, which starts at the beginning of 2026 and runs
 * faster than the server's.
 * @module
 */
import { duration, timestamp } from "../../src/workflows/providers/temporal/proto.ts";

const virtualStart = Date.UTC(2026, 0, 1);

type Moment = { seconds: unknown; nanos?: number };
type Class = abstract new (...args: never) => Moment;
const Duration = duration(0).constructor as Class;
const Timestamp = timestamp(0).constructor as Class;

/** Times in queries. */
const instants = /(?<=")\d{4}-\d\d-\d\dT[\d:.]+Z(?=")/g;
/** Times in the workflow ids of schedules. */
const matches = /(?<=-)\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/g;
/** What is not the test's. */
const own = new Set(["stickyAttributes", "fields"]);

/**
 * Within which workers send heartbeats of themselves, in milliseconds. A machine with much other work is not that fast a
 * hundred times, and an attempt whose heartbeat is late is tried again.
 */
const ownBeat = 30_000;

/** How the time of a test and that of the server belong together. */
export class TemporalClock {
  /** How many times as fast as the server's the test's clock runs. */
  readonly speed: number;
  /** The server's time, in milliseconds, at the beginning of the test's. */
  start: number;

  constructor(speed: number, start: number) {
    this.speed = speed;
    this.start = start;
  }

  /** The test's time. */
  now(): number {
    return Math.floor(this.toVirtual(performance.timeOrigin + performance.now()));
  }

  toVirtual(time: number): number {
    return virtualStart + (time - this.start) * this.speed;
  }

  toReal(time: number): number {
    return this.start + (time - virtualStart) / this.speed;
  }

  /** A message of the test's for the server. */
  outward<Message>(message: Message): Message {
    return this.#scaled(message, true) as Message;
  }

  /** A message of the server's for the test. */
  inward<Message>(message: Message): Message {
    return this.#scaled(message, false) as Message;
  }

  /** Times and durations of a message at the other speed. */
  #scaled(value: unknown, outward: boolean): unknown {
    const { speed } = this;
    if (value instanceof Duration) {
      return duration(outward ? whole(value) / speed : whole(value) * speed);
    }
    if (value instanceof Timestamp) {
      const time = whole(value);
      return timestamp(outward ? this.toReal(time) : this.toVirtual(time));
    }
    if (typeof value === "string") return this.#text(value, outward);
    if (value instanceof Uint8Array || typeof value !== "object" || value === null) return value;
    if (Array.isArray(value)) return value.map((item) => this.#scaled(item, outward));
    if ("interval" in value && "phase" in value) return this.#interval(value, outward);
    const target: Record<string, unknown> = Object.create(Object.getPrototypeOf(value));
    for (const [key, item] of Object.entries(value)) {
      target[key] = own.has(key) || isOwnBeat(key, item) ? item : this.#scaled(item, outward);
    }
    return target;
  }

  /** Intervals count from the beginning of the test's time, a midnight; the server's count from 1970. */
  #interval({ interval, phase }: { interval: unknown; phase: unknown }, outward: boolean): object {
    const { start, speed } = this;
    const every = whole(interval);
    const offset = whole(phase);
    const scaled = outward ? every / speed : every * speed;
    const moved = outward ? start + offset / speed : (offset - start % every + every) * speed;
    return { interval: duration(scaled), phase: duration(moved % scaled) };
  }

  #text(text: string, outward: boolean): string {
    const move = (instant: string) => {
      const time = Date.parse(instant);
      return new Date(outward ? this.toReal(time) : this.toVirtual(time)).toISOString();
    };
    const moved = text.replace(matches, (instant) => move(instant).replace(/\.\d+Z/, "Z"));
    return outward ? moved.replace(instants, move) : moved;
  }
}

function isOwnBeat(key: string, value: unknown): boolean {
  return key === "heartbeatTimeout" && whole(value) === ownBeat;
}

/** Milliseconds of a duration or a time; 0 for none. */
function whole(moment: unknown): number {
  const { seconds = 0, nanos = 0 } = (moment ?? {}) as Partial<Moment>;
  return Number(seconds) * 1_000 + nanos / 1e6;
}
