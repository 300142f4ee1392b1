/** Signals that workers send straight to the journal. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { machine } from "../../../../../src/platform/machine.ts";
import { pack, unpack } from "../../../../../src/vm/codec.ts";
import { unpackHistory } from "../../../../../src/workflows/history/history.ts";
import { SqliteProvider } from "../../../../../src/workflows/providers/sqlite/sqlite.ts";
import { packSignal } from "../../../../../src/workflows/history/signals.ts";
import { TaskQueue } from "../../../../../src/workflows/tasks/queue.ts";
import type { Task } from "../../../../../src/workflows/tasks/tasks.ts";
import { temporaryFolder } from "../../../../conformance/sqlite-place.ts";

type Signaled = Extract<Task, { type: "signaled" }>;

/** A worker that does nothing but send signals. */
class Sender {
  readonly queue: TaskQueue;
  readonly heard: Signaled[] = [];
  #next: (() => void) | undefined;

  constructor(provider: SqliteProvider, worker = 0) {
    this.queue = new TaskQueue(provider.connect(worker), machine.defer);
    this.queue.onTasks((tasks) => {
      for (const task of tasks) if (task.type === "signaled") this.heard.push(task);
      this.#next?.();
    });
  }

  send(ticket: number, workflowId = "w", value = `${ticket}`): void {
    const data = packSignal({ name: "pay", payloads: pack([value]), sender: "{a:p|1}" });
    this.queue.answer({ type: "signal", signal: { ticket, workflowId, data } });
  }

  /** Waits until so many tickets have been answered. */
  async answers(count: number): Promise<Signaled[]> {
    while (this.heard.flatMap(({ tickets }) => tickets).length < count) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#next = resolve;
      await promise;
    }
    return this.heard;
  }
}

describe.each([["on a thread", false], ["inline", true]])("%s", (_name, inline) => {
  let folder: ReturnType<typeof temporaryFolder>;
  let provider: SqliteProvider;
  let runId: string;

  const open = async (maxBytes?: number) => {
    provider = new SqliteProvider({
      path: `${folder.path}/journal.db`,
      inline,
      ...maxBytes !== undefined && { maxBytes },
    });
    await provider.open();
    const request = { entry: "app:w", hostId: "app:h", workflowId: "w", args: pack([]) };
    ({ runId } = await provider.start(request));
  };

  const recorded = async () =>
    unpackHistory(await provider.history(runId)).flatMap((event) =>
      event.type === "ExecutionSignaled" ? [[event.data.sender, unpack(event.data.payloads)]] : []
    );

  beforeEach(() => {
    folder = temporaryFolder();
  });

  afterEach(async () => {
    await provider.close();
    folder.remove();
  });

  test("those of a turn are recorded in order and have one answer", async () => {
    await open();
    const sender = new Sender(provider);
    for (let ticket = 1; ticket <= 5; ticket++) sender.send(ticket);
    expect(await sender.answers(5)).toEqual([{ type: "signaled", tickets: [1, 2, 3, 4, 5] }]);
    expect(await recorded()).toEqual([1, 2, 3, 4, 5].map((i) => ["{a:p|1}", [`${i}`]]));
  });

  test("a run that is not there refuses its own only", async () => {
    await open();
    const sender = new Sender(provider);
    sender.send(1, "nobody");
    sender.send(2);
    const [done, refused, ...more] = await sender.answers(2);
    expect(done).toEqual({ type: "signaled", tickets: [2] });
    expect(refused).toMatchObject({
      tickets: [1],
      failure: { kind: "NotFound", details: { workflow_id: "nobody" } },
    });
    expect(more).toEqual([]);
  });

  test("what cannot be committed is refused, and is not recorded later", async () => {
    await open(400_000);
    const sender = new Sender(provider);
    sender.send(1, "w", "x".repeat(1_000_000));
    const [refused] = await sender.answers(1);
    expect(refused).toMatchObject({ tickets: [1], failure: { kind: "Unavailable" } });
    expect(await recorded()).toEqual([]);
  });

  test("a worker that takes the place of one hears nothing of its signals", async () => {
    await open();
    const [first, second] = [new Sender(provider), new Sender(provider)];
    first.send(1);
    first.queue.flush();
    second.send(2);
    expect(await second.answers(1)).toEqual([{ type: "signaled", tickets: [2] }]);
    expect(first.heard).toEqual([]);
  });
});

test("the end of the journal's thread is heard of", async () => {
  const folder = temporaryFolder();
  const provider = new SqliteProvider({ path: `${folder.path}/journal.db` });
  await provider.open();
  const { promise, resolve } = Promise.withResolvers<void>();
  new Sender(provider).queue.onClosed(resolve);
  await provider.close();
  await promise;
  folder.remove();
});
