import { EarlyThread } from "../../../../platform/early-thread.ts";

/** Threads of journals. */
export const journalThread: EarlyThread = new EarlyThread(() =>
  new Worker(new URL("./thread.ts", import.meta.url).href)
);
