import { ThreadRun } from "../platform/thread-run.ts";
import { WippyError } from "../vm/error.ts";
import { beatInterval, Pulse } from "../worker/pulse.ts";

/** A worker whose event loop has not run for a while. */
export interface StandingWorker {
  /** The unit that holds it: a PID, or the identifier of a function; absent when that is not known. */
  unit?: string;
  /** Milliseconds since it was last seen running. */
  for: number;
}

/** Beats that a worker may miss in a row. */
const missable = 1000 / beatInterval;

interface Watched {
  readonly pulse: Pulse;
  beats: number;
  /** Beats that it has missed; where other threads had the processor meanwhile, only a part counts. */
  missed: number;
  /** How it has run since the first beat that it missed. */
  run: Pick<ThreadRun, "share"> | undefined;
}

/** Milliseconds for which a worker has stood still. */
const timeOf = ({ missed }: Watched) => Math.round(missed * beatInterval);

/** What a watch tells the pool. */
export interface WatchEvents {
  /** A worker has begun to stand still. */
  standing(index: number, state: StandingWorker): void;
  /** It goes on, after so many milliseconds. */
  goesOn(index: number, after: number): void;
  /** It has stood still for too long. */
  lost(index: number, state: StandingWorker): void;
}

/**
 * Watches the heartbeat of workers in threads of their own. Beats are counted rather than time, so that workers are not
 * blamed when the node itself, or the whole machine, stood still. Neither are they for the time in which they wait for
 * a processor.
 */
export class WorkerWatch {
  readonly #memory: SharedArrayBuffer;
  /** Milliseconds; 0: for ever. */
  readonly #patience: number;
  readonly #events: WatchEvents;
  readonly #runOf: (thread: number) => Pick<ThreadRun, "share">;
  readonly #watched = new Map<number, Watched>();
  #timer: ReturnType<typeof setInterval> | undefined;

  /** @param runOf how a thread runs */
  constructor(
    memory: SharedArrayBuffer,
    patience: number,
    events: WatchEvents,
    runOf: (thread: number) => Pick<ThreadRun, "share"> = (thread) => new ThreadRun(thread),
  ) {
    this.#runOf = runOf;
    this.#memory = memory;
    this.#patience = patience;
    this.#events = events;
  }

  /** Begins to watch a worker that has started. */
  add(index: number): void {
    const pulse = new Pulse(this.#memory, index);
    this.#watched.set(index, { pulse, beats: pulse.read().beats, missed: 0, run: undefined });
    this.#timer ??= setInterval(() => this.look(), beatInterval);
    // A runtime that has nothing else to wait for may end.
    this.#timer.unref();
  }

  /** The worker is no more. */
  remove(index: number): void {
    this.#watched.delete(index);
  }

  /** How a worker stands still; undefined when it runs. */
  standing(index: number): StandingWorker | undefined {
    const watched = this.#watched.get(index);
    if (!watched || watched.missed < missable) return undefined;
    const unit = watched.pulse.read().doing;
    return { ...(unit !== undefined && { unit }), for: timeOf(watched) };
  }

  /** Looks at all workers once; to be called as often as they beat. */
  look(): void {
    for (const [index, watched] of [...this.#watched]) {
      const { beats } = watched.pulse.read();
      if (beats !== watched.beats) {
        const [stood, after] = [watched.missed >= missable, timeOf(watched)];
        watched.beats = beats;
        watched.missed = 0;
        watched.run = undefined;
        if (stood) this.#events.goesOn(index, after);
        continue;
      }
      const before = watched.missed;
      watched.missed += watched.run?.share() ?? 1;
      watched.run ??= this.#runOf(watched.pulse.thread);
      const state = this.standing(index);
      if (!state) continue;
      if (before < missable) this.#events.standing(index, state);
      if (this.#patience > 0 && state.for >= this.#patience) this.#events.lost(index, state);
    }
  }

  /** Watches no longer. */
  close(): void {
    clearInterval(this.#timer);
    this.#watched.clear();
  }
}

/** The error of what was to be done on a worker that stands still. */
export function standsStill(index: number, { unit, for: time }: StandingWorker): WippyError {
  const why = unit === undefined ? "" : ` in a call of ${unit}`;
  return new WippyError(
    "Unavailable",
    `worker ${index} has stood still${why} for ${Math.round(time / 1000)} s`,
    { retryable: true },
  );
}
