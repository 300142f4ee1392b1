/** What depends on the file beneath: its lock, its size, its rows, what is kept in memory of it. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { Database } from "bun:sqlite";
import { pack } from "../../../../../src/vm/codec.ts";
import type { SqliteProviderOptions } from "../../../../../src/workflows/providers/sqlite/sqlite.ts";
import {
  Runtime,
  type RuntimeOptions,
  settle,
  VirtualMachine,
} from "../../../../conformance/runtime.ts";
import type { Script } from "../../../../conformance/scripted-engine.ts";
import { SqlitePlace, temporaryFolder } from "../../../../conformance/sqlite-place.ts";

let folder: ReturnType<typeof temporaryFolder>;
let machine: VirtualMachine;
let runtime: Runtime | undefined;

beforeEach(() => {
  folder = temporaryFolder();
  machine = new VirtualMachine();
});

afterEach(async () => {
  await runtime?.provider.close();
  runtime = undefined;
  folder.remove();
});

async function open(
  options: RuntimeOptions,
  own: Partial<SqliteProviderOptions> = {},
): Promise<Runtime> {
  const place = new SqlitePlace(own, { path: `${folder.path}/journal.db` });
  runtime = await Runtime.open({ place, machine, ...options });
  return runtime;
}

async function reopen(options: RuntimeOptions): Promise<Runtime> {
  await runtime?.provider.close();
  return open(options);
}

const collect: Record<string, Script> = {
  "app:two": function* (run) {
    const first = yield run.signal();
    const second = yield run.signal();
    return [first, second].map((signal) => (signal as { name: string }).name);
  },
};

const busy: Record<string, Script> = {
  "app:busy": function* (run) {
    const made = run.record(() => "made once");
    const sum = [];
    for (let i = 1; i <= 3; i++) {
      sum.push(yield run.activity("app:step", [i]));
      yield run.sleep(100);
    }
    const child = run.child("app:child", [run.version("v", 1)]);
    yield child.started;
    sum.push(yield child.closed);
    run.send("{app:processes|0x1}", "progress", sum.length);
    sum.push(yield run.signal());
    return [made, ...sum];
  },
  "app:child": function* (run, value) {
    yield run.sleep(50);
    return value;
  },
};

const steps: RuntimeOptions["activities"] = { "app:step": (_task, i) => (i as number) * 10 };

test("a message is on disk before it leaves, and leaves again when the runtime ended before it had", async () => {
  const path = `${folder.path}/journal.db`;
  const script: Script = (run) => {
    run.send("{app:processes|0x1}", "progress", 1);
    return true;
  };
  const rows = () => {
    const database = new Database(path);
    const found = database.query("SELECT * FROM outbox").all() as Record<string, string>[];
    database.close();
    return found;
  };
  const r = await open({ scripts: { "app:tells": script } });
  let kept: Record<string, string>[] = [];
  r.provider.onMessage((message) => {
    r.messages.push(message);
    kept = rows();
  });
  await r.start("app:tells", [], { workflowId: "t" });
  await settle();
  expect(r.messages.length).toBe(1);
  expect(kept).toMatchObject([{ recipient: "{app:processes|0x1}", topic: "progress" }]);
  expect(rows()).toEqual([]);
  await r.provider.close();
  // As a runtime leaves it that ended in between.
  const database = new Database(path);
  const { id, recipient, sender, topic, payloads } = kept[0]!;
  database.run(
    "INSERT INTO outbox (id, recipient, sender, topic, payloads) VALUES (?, ?, ?, ?, ?)",
    [
      id!,
      recipient!,
      sender!,
      topic!,
      payloads!,
    ],
  );
  database.close();
  const again = await open({ scripts: { "app:tells": script } });
  await settle();
  expect(again.messages).toMatchObject([{ to: "{app:processes|0x1}", topic: "progress" }]);
  expect(rows()).toEqual([]);
});

test("a journal that keeps no run in memory behaves the same", async () => {
  const r = await open({ scripts: busy, activities: steps }, { maxRuns: 0 });
  await r.start("app:busy", [], { workflowId: "b" });
  await r.signal("b", "finish");
  await machine.advance(1_000);
  expect(await r.result("b")).toMatchObject(["made once", 10, 20, 30, 1, { name: "finish" }]);
});

test("no more tasks are out at once than allowed", async () => {
  const r = await open({ scripts: busy, activities: steps }, { maxTasks: 2 });
  let out = 0;
  let most = 0;
  r.onTask = async (task) => {
    most = Math.max(most, ++out);
    const completion = await r.taskHandler.run(task);
    await settle(2);
    out--;
    r.completeTask(completion);
  };
  for (let i = 0; i < 10; i++) await r.start("app:child", [i], { workflowId: `c${i}` });
  await settle(200);
  await machine.advance(50);
  await settle(200);
  for (let i = 0; i < 10; i++) expect(await r.result(`c${i}`)).toBe(i);
  expect(most).toBe(2);
});

describe("while nothing can be committed", () => {
  /**
   * Another program that holds the write lock of the journal file, as a stand-in for any failing
   * commit.
   */
  function holdWriteLock(): () => void {
    const other = new Database(`${folder.path}/journal.db`);
    other.run("BEGIN IMMEDIATE");
    return () => {
      other.run("ROLLBACK");
      other.close();
    };
  }

  test("callers are told, results are kept, and all goes on afterwards", async () => {
    const { promise, resolve } = Promise.withResolvers<number>();
    const r = await open({
      scripts: {
        ...busy,
        "app:w": function* (run) {
          return yield run.activity("app:wait");
        },
      },
      activities: { "app:wait": () => promise },
    });
    await r.start("app:w", [], { workflowId: "w" });
    await settle();
    const release = holdWriteLock();
    expect(r.start("app:child", [], { workflowId: "c" })).rejects.toMatchObject({
      kind: "Unavailable",
      retryable: true,
    });
    resolve(42);
    await settle();
    expect(r.reports.map(({ level }) => level)).toEqual(["error"]);
    expect(r.engine.activations).toHaveLength(1);
    await machine.advance(5_000);
    expect(r.engine.activations).toHaveLength(1);
    release();
    await machine.advance(10_000);
    expect(await r.result("w")).toBe(42);
    expect(r.reports.map(({ level }) => level)).toEqual(["error", "info"]);
    expect(await r.provider.describe("c")).toBeUndefined();
  });

  test("a journal that may not grow refuses starts and keeps what it has", async () => {
    const large = { payloads: pack(["x".repeat(40_000)]), name: "big", sender: "" };
    const r = await open({ scripts: busy, activities: steps }, { maxBytes: 400_000 });
    await r.start("app:child", ["x"], { workflowId: "c", options: { startDelay: 60_000 } });
    let refused: unknown;
    for (let i = 0; i < 20 && !refused; i++) {
      await r.provider.signal("c", large).catch((error) => refused = error);
    }
    expect(refused).toMatchObject({ kind: "Unavailable", retryable: true });
    expect(String(refused)).toContain("journal.db");
    expect(String(refused)).toContain("full");
    const again = await reopen({ scripts: busy, activities: steps });
    await machine.advance(120_000);
    expect(await again.closed("c")).toMatchObject({ status: "completed" });
  });
});

test("an event that comes while a hand-out has to wait is shown by the next task", async () => {
  const r = await open({ scripts: collect }, { maxTasks: 1 });
  await r.start("app:two", [], { workflowId: "w" });
  await settle();
  r.answering = false;
  const hung = await r.start("app:two", [], { workflowId: "hung" });
  await r.signal("w", "one");
  await r.signal("w", "two");
  r.answering = true;
  await r.provider.terminate("hung", {});
  expect((await r.closed("hung")).runId).toBe(hung.runId);
  expect(await r.result("w")).toEqual(["one", "two"]);
});

test("an update that cannot be committed is refused, and has not happened", async () => {
  const r = await open({
    scripts: {
      "app:updated": function* (run) {
        const { sender } = (yield run.signal()) as { sender: string };
        run.issue({ type: "accept_update", updateId: sender });
        run.issue({ type: "complete_update", updateId: sender, value: "done" });
        return yield run.signal();
      },
    },
  });
  const update = () =>
    r.provider.update("u", { updateId: "a", name: "now", args: pack([]), sender: "" }, "completed");
  await r.start("app:updated", [], { workflowId: "u" });
  await settle();
  const other = new Database(`${folder.path}/journal.db`);
  other.run("BEGIN IMMEDIATE");
  expect(await update().catch((error) => error)).toMatchObject({
    kind: "Unavailable",
    retryable: true,
  });
  other.run("ROLLBACK");
  other.close();
  await machine.advance(5_000);
  expect(await r.provider.pollUpdate("u", "a", "completed").catch((error) => error))
    .toMatchObject({ kind: "NotFound" });
  expect(await update()).toMatchObject({ status: "completed" });
});
