import { expect, test } from "bun:test";
import { currentThread, ThreadRun } from "../../../src/platform/thread-run.ts";

/** Starts a thread that says its number and then runs this code. */
async function startThread(code: string): Promise<{ thread: number; stop: () => void }> {
  const path = new URL("../../../src/platform/thread-run.ts", import.meta.url).href;
  const source = `import { currentThread } from ${JSON.stringify(path)};
    postMessage(currentThread());
    ${code}`;
  const url = URL.createObjectURL(new Blob([source], { type: "application/typescript" }));
  const worker = new Worker(url);
  const { data } = await new Promise<MessageEvent<number>>((resolve) => {
    worker.onmessage = resolve;
  });
  return { thread: data, stop: () => worker.terminate() };
}

test.skipIf(process.platform !== "linux")(
  "a thread that sleeps had all of the time (Linux)",
  async () => {
    const { thread, stop } = await startThread(
      "Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 60000);",
    );
    expect(thread).not.toBe(currentThread());
    const run = new ThreadRun(thread);
    // Sleeps because the time of a thread that does nothing is what is measured.
    await Bun.sleep(30);
    expect(run.share()).toBe(1);
    stop();
  },
);

test.skipIf(process.platform !== "linux")(
  "threads that share one processor had it in turn (Linux)",
  () => {
    const path = new URL("../../../src/platform/thread-run.ts", import.meta.url).pathname;
    const script = `
    import { currentThread, ThreadRun } from ${JSON.stringify(path)};
    const source = 'import { currentThread } from ${
      JSON.stringify(path)
    }; postMessage(currentThread()); for (;;);';
    const url = URL.createObjectURL(new Blob([source], { type: "application/typescript" }));
    const threads = await Promise.all([1, 2, 3, 4, 5, 6].map(() => new Promise((resolve) => {
      new Worker(url).onmessage = ({ data }) => resolve(data);
    })));
    const runs = threads.map((thread) => new ThreadRun(thread));
    // Sleeps because what is measured is who runs meanwhile.
    await Bun.sleep(500);
    console.log(JSON.stringify(runs.map((run) => run.share())));
    process.exit(0);`;
    const { stdout } = Bun.spawnSync(["taskset", "-c", "0", process.execPath, "-e", script]);
    const shares = JSON.parse(stdout.toString()) as number[];
    expect(shares).toHaveLength(6);
    expect(shares.reduce((sum, share) => sum + share, 0)).toBeLessThan(2);
  },
);

test("what is not known about a thread does not speak for it", () => {
  for (const thread of [0, 2 ** 30]) expect(new ThreadRun(thread).share()).toBe(1);
});
