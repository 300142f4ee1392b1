import type { Platform } from "./platform.ts";

/** The real clock, timers and randomness: the only place that reads them. */
export const machine: Platform = {
  now: () => Date.now(),
  precise: () => performance.timeOrigin + performance.now(),
  setTimer(delay, callback) {
    const timer = setTimeout(callback, delay);
    return () => clearTimeout(timer);
  },
  defer(callback) {
    const immediate = setImmediate(callback);
    return () => clearImmediate(immediate);
  },
  random: {
    uuid: () => crypto.randomUUID(),
    seed: () => crypto.getRandomValues(new Uint32Array(1))[0]!,
    fraction: () => Math.random(),
    bytes: (count) => crypto.getRandomValues(new Uint8Array(count)),
  },
};
