import { expect, test } from "bun:test";
import { EarlyThread } from "../../../src/platform/early-thread.ts";
import { cleanAfterTest } from "../../cleanup.ts";

const echo = "self.onmessage = ({ data }) => postMessage(data)";

/** Threads that run this code, and how many were made. */
function threads(code: string) {
  const url = URL.createObjectURL(new Blob([code], { type: "text/javascript" }));
  const made: Worker[] = [];
  const early = new EarlyThread(() => {
    const thread = new Worker(url);
    made.push(thread);
    cleanAfterTest(() => thread.terminate());
    return thread;
  });
  return { early, made };
}

test("a thread that was started early is taken once, and answers", async () => {
  const { early, made } = threads(echo);
  early.start();
  early.start();
  expect(made.length).toBe(1);
  const thread = early.take();
  expect(thread).toBe(made[0]!);
  const answer = Promise.withResolvers<unknown>();
  thread.onmessage = ({ data }: MessageEvent<unknown>) => answer.resolve(data);
  thread.postMessage("hello");
  expect(await answer.promise).toBe("hello");
  expect(early.take()).toBe(made[1]!);
});

test("a thread that failed before it was taken, or was dropped, is not taken", async () => {
  const { early, made } = threads("throw new Error('broken')");
  early.start();
  const failed = Promise.withResolvers<void>();
  made[0]!.addEventListener("error", () => failed.resolve());
  await failed.promise;
  expect(early.take()).toBe(made[1]!);
  early.start();
  early.drop();
  expect(early.take()).toBe(made[3]!);
});
