import type { Surroundings } from "./journal.ts";

/** The real clock, timers and randomness: the only place of the provider that reads them. */
export const machine: Surroundings = {
  now: () => Date.now(),
  setTimer(delay, callback) {
    const timer = setTimeout(callback, delay);
    return () => clearTimeout(timer);
  },
  defer: (callback) => void setImmediate(callback),
  random: {
    uuid: () => crypto.randomUUID(),
    seed: () => crypto.getRandomValues(new Uint32Array(1))[0]!,
  },
};
