import type { Platform, Randomness } from "./platform.ts";

/** What decides everything that happens in a simulation. */
export interface SimulationOptions {
  /** A whole number of 32 bits. */
  seed: number;
  /** Milliseconds since the epoch at which it begins; 2026-01-01 unless given. */
  startTime?: number;
  /** Whether there is a trace; there is unless given. */
  traced?: boolean;
}

interface Task {
  /** Undefined: called off. */
  run: (() => void) | undefined;
}

interface Timer extends Task {
  at: number;
}

/** Virtual milliseconds that one task takes: time goes on, however busy a runtime is. */
const taskTime = 0.001;

/** A small generator (mulberry32): whole numbers of 32 bits. */
function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let z = state;
    z = Math.imul(z ^ (z >>> 15), z | 1);
    z ^= z + Math.imul(z ^ (z >>> 7), z | 61);
    return (z ^ (z >>> 14)) >>> 0;
  };
}

/**
 * A virtual clock and a seeded event loop. The seed picks which of the tasks that are ready comes next; when none
 * is, the clock jumps to the next timer. The same program with the same seed goes through the same tasks at the
 * same virtual times.
 */
export class Simulation implements Platform {
  readonly random: Randomness;
  readonly steady = true;
  readonly traced: boolean;
  readonly #next: () => number;
  readonly #ready: Task[] = [];
  readonly #timers: Timer[] = [];
  #time: number;
  #trace: number | bigint = 0;
  #holds = 0;
  #pumping = false;
  #still = false;
  #tasks = 0;
  #watched: { at: number; callback: () => void }[] = [];

  constructor({ seed, startTime = Date.UTC(2026, 0, 1), traced = true }: SimulationOptions) {
    this.traced = traced;
    this.#time = startTime;
    this.#next = generator(seed);
    // Its own sequence: what programs draw does not disturb the schedule.
    const draw = generator(seed ^ 0x9e3779b9);
    const bytes = (count: number) => Uint8Array.from({ length: count }, () => draw() & 0xff);
    this.random = {
      seed: draw,
      fraction: () => draw() / 2 ** 32,
      bytes,
      uuid() {
        const id = bytes(16);
        id[6] = (id[6]! & 0x0f) | 0x40;
        id[8] = (id[8]! & 0x3f) | 0x80;
        return id.toHex().replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
      },
    };
  }

  readonly now = (): number => Math.floor(this.#time);
  readonly precise = (): number => this.#time;

  readonly setTimer = (delay: number, callback: () => void): () => void => {
    // Below a microsecond the clock might stand still, as it counts with 53 bits.
    const timer: Timer = { at: this.#time + Math.max(delay, taskTime), run: callback };
    let index = this.#timers.length;
    while (index > 0 && this.#timers[index - 1]!.at > timer.at) index--;
    this.#timers.splice(index, 0, timer);
    this.#pump();
    return () => {
      const at = this.#timers.indexOf(timer);
      if (at >= 0) this.#timers.splice(at, 1);
    };
  };

  readonly defer = (callback: () => void): () => void => {
    const task: Task = { run: callback };
    this.#ready.push(task);
    this.#pump();
    return () => {
      task.run = undefined;
    };
  };

  /** One of so many choices, from 0: the seed's. */
  choose(count: number): number {
    return this.#next() % count;
  }

  /** Lets virtual time pass, for work that takes some. */
  spend(milliseconds: number): void {
    this.#time += milliseconds;
  }

  /** Stops the simulated world until a promise that waits for the real one is settled. */
  async during<Value>(work: Promise<Value>): Promise<Value> {
    this.#holds++;
    try {
      return await work;
    } finally {
      this.#holds--;
      this.#pump();
    }
  }

  /** Lets the simulated world go on, within {@link during}, until a promise that it settles itself is settled. */
  async within<Value>(work: Promise<Value>): Promise<Value> {
    this.#holds--;
    this.#pump();
    try {
      return await work;
    } finally {
      this.#holds++;
    }
  }

  /** Tasks and timers that have run so far. */
  get tasks(): number {
    return this.#tasks;
  }

  /**
   * Calls back between two tasks, when so many more of them have run: for tests that disturb what is simulated.
   * Returns what calls it off.
   */
  afterTasks(count: number, callback: () => void): () => void {
    const watched = { at: this.#tasks + count, callback };
    this.#watched.push(watched);
    return () => {
      this.#watched = this.#watched.filter((other) => other !== watched);
    };
  }

  /** Whether nothing is left to run, now or later, and nothing of the real world is waited for. */
  get idle(): boolean {
    return !this.#pumping && this.#holds === 0 && !this.#still && this.#ready.length === 0 &&
      this.#timers.length === 0;
  }

  /** Stops the simulated world until `resume`. One that stays so has crashed. */
  halt(): void {
    this.#holds++;
  }

  resume(): void {
    this.#holds--;
    this.#pump();
  }

  /** Has the clock stand still, or go on: meanwhile tasks run that are ready, and no timer fires. */
  stand(still: boolean): void {
    this.#still = still;
    this.#pump();
  }

  /** Called back at each commit of a journal: for tests that disturb what is simulated. */
  onCommit: () => void = () => {};

  committed(): void {
    this.onCommit();
  }

  /** Adds to the trace what happened. */
  note(what: string | Uint8Array): void {
    if (this.traced) this.#trace = Bun.hash(what, BigInt(this.#trace));
  }

  /** A digest of everything that happened so far, in its order and with its virtual times. */
  get trace(): string {
    return this.#trace.toString(36);
  }

  /** A way from one party to another: messages arrive in their order, when the seed wants. */
  link<Message>(deliver: (message: Message) => void): (message: Message) => void {
    const waiting: Message[] = [];
    return (message) => {
      waiting.push(message);
      this.defer(() => deliver(waiting.shift()!));
    };
  }

  #pump(): void {
    if (this.#pumping || this.#holds > 0) return;
    if (this.#ready.length === 0 && (this.#still || this.#timers.length === 0)) return;
    this.#pumping = true;
    // One task a turn of the real event loop: the promises that it settles have run before the next is picked.
    setImmediate(() => {
      this.#pumping = false;
      if (this.#holds === 0) this.#step();
      this.#pump();
    });
  }

  #step(): void {
    const { length } = this.#ready;
    if (length > 0) {
      const [task] = this.#ready.splice(this.choose(length), 1);
      this.#run(task!);
      return;
    }
    const timer = this.#still ? undefined : this.#timers.shift();
    if (!timer) return;
    this.#time = Math.max(this.#time, timer.at);
    this.#run(timer);
  }

  #run({ run }: Task): void {
    if (!run) return;
    this.#time += taskTime;
    if (this.traced) this.note(String(this.#time));
    run();
    this.#tasks++;
    if (this.#watched.length === 0) return;
    const due = this.#watched.filter(({ at }) => at <= this.#tasks);
    this.#watched = this.#watched.filter(({ at }) => at > this.#tasks);
    for (const { callback } of due) callback();
  }
}
