import { EarlyThread } from "../platform/early-thread.ts";

/** Threads of workers. */
export const workerThread: EarlyThread = new EarlyThread(() =>
  new Worker(new URL("../worker/thread.ts", import.meta.url).href)
);
