/** The outbox to queues: what runs publish leaves after the commit of its step, in order, until its queue has it. */
import { afterEach, beforeEach, expect, test } from "bun:test";
import { Database } from "bun:sqlite";
import { statSync } from "node:fs";
import { unpack } from "../../../../../src/vm/codec.ts";
import { WippyError } from "../../../../../src/vm/error.ts";
import type { Publication } from "../../../../../src/workflows/provider.ts";
import type { SqliteProviderOptions } from "../../../../../src/workflows/providers/sqlite/sqlite.ts";
import {
  refusal,
  Runtime,
  type RuntimeOptions,
  settle,
  VirtualMachine,
} from "../../../../conformance/runtime.ts";
import type { Script } from "../../../../conformance/scripted-engine.ts";
import { SqlitePlace } from "../../../../conformance/sqlite-place.ts";

let machine: VirtualMachine;
let runtimes: Runtime[] = [];
let places: SqlitePlace[] = [];

beforeEach(() => {
  machine = new VirtualMachine();
});

afterEach(async () => {
  for (const { provider } of runtimes) await provider.close();
  for (const place of places) {
    expect(place.faults()).toEqual([]);
    place.remove();
  }
  runtimes = [];
  places = [];
});

/** A limit of messages that wait. */
const mostWaiting = 20;

const unavailable = () => new WippyError("Unavailable", "the broker is away", { retryable: true });

/** Queues that have what they got, by queue, in the order of its arrival. */
class Queues {
  readonly got: Publication[] = [];
  /** What becomes of a message; fulfilled at once unless a test says otherwise. */
  take: (publication: Publication) => Promise<void> = () => Promise.resolve();

  handler = async (publication: Publication): Promise<void> => {
    await this.take(publication);
    this.got.push(publication);
  };

  /** Bodies of what a queue has. */
  of(queue: string): unknown[] {
    return this.got.filter((each) => each.queue === queue).map(({ body }) => unpack(body));
  }
}

async function open(
  place: SqlitePlace,
  queues: Queues,
  scripts: Record<string, Script>,
  options: RuntimeOptions = {},
): Promise<Runtime> {
  if (!places.includes(place)) places.push(place);
  const runtime = new Runtime({ place, machine, scripts, ...options });
  runtime.provider.onPublish(queues.handler);
  await runtime.provider.open();
  runtime.connect();
  runtimes.push(runtime);
  return runtime;
}

async function close(runtime: Runtime): Promise<void> {
  await runtime.provider.close();
  runtimes = runtimes.filter((each) => each !== runtime);
}

const newPlace = (own: Partial<SqliteProviderOptions> = {}) => new SqlitePlace(own);
const smallPlace = () => newPlace({ maxPublications: mostWaiting });

function rows(place: SqlitePlace): { id: number; queue: string }[] {
  const database = new Database(place.path, { readonly: true });
  try {
    return database.query<{ id: number; queue: string }, []>(
      "SELECT id, queue FROM publications ORDER BY id",
    ).all();
  } finally {
    database.close();
  }
}

function commits(place: SqlitePlace): number {
  const database = new Database(place.path, { readonly: true });
  try {
    return database.query<{ commits: number }, []>("SELECT commits FROM owner").get()!.commits;
  } finally {
    database.close();
  }
}

const steps: RuntimeOptions["activities"] = { "app:step": (_task, i) => i };

/** Publishes a message after each of three steps. */
const working: Script = function* (run, queue) {
  for (let i = 1; i <= 3; i++) {
    yield run.activity("app:step", [i]);
    if (queue !== undefined) run.publish(String(queue), i);
  }
  return "done";
};

test("a message leaves with the commit of its step, and costs no commit of its own", async () => {
  const place = newPlace();
  const queues = new Queues();
  const runtime = await open(place, queues, { "app:main": working }, { activities: steps });
  const { provider } = runtime;
  const count = async (workflowId: string, ...args: string[]) => {
    const before = commits(place);
    await runtime.start("app:main", args, { workflowId });
    expect(await runtime.result(workflowId)).toBe("done");
    await settle();
    return commits(place) - before;
  };
  const without = await count("silent");
  expect(await count("publishing", "app:orders")).toBe(without);
  expect(queues.of("app:orders")).toEqual([1, 2, 3]);
  const [first] = queues.got;
  const { runId } = (await provider.describe("publishing"))!;
  expect(first).toMatchObject({
    queue: "app:orders",
    messageId: `${runId}.publish.1`,
    time: machine.now(),
    due: machine.now(),
  });
  expect(await runtime.eventTypes(runId)).toContain("MessagePublished");
  // What queues have is removed by the next commit, or soon by one of its own.
  await machine.advance(200);
  expect(rows(place)).toEqual([]);
  expect(provider.backlog()).toEqual([{ queue: "app:orders", waiting: 0, refused: 0 }]);
});

test("a step whose commit fails publishes nothing", async () => {
  const place = newPlace();
  const queues = new Queues();
  const large = "x".repeat(1_000_000);
  const script: Script = function* (run) {
    yield run.signal();
    run.publish("app:orders", large);
    return true;
  };
  const first = await open(place, queues, { "app:main": script });
  await first.start("app:main", [], { workflowId: "one" });
  await settle();
  await close(first);
  const { size } = statSync(place.path);
  const full = new SqlitePlace({ maxBytes: size + 400_000 }, { path: place.path });
  const second = await open(full, queues, { "app:main": script });
  await second.signal("one", "go");
  await settle();
  await machine.advance(10_000);
  expect(queues.got).toEqual([]);
  // Nothing can be asked while nothing can be written.
  expect(await refusal(second.provider.describe("one"))).toMatchObject({ kind: "Unavailable" });
  await close(second);
  const third = await open(place, queues, { "app:main": script });
  expect(await third.result("one")).toBe(true);
  await settle();
  expect(queues.of("app:orders")).toEqual([large]);
});

test("what a queue has not confirmed is handed over again after a crash, with the same id", async () => {
  const place = newPlace();
  const queues = new Queues();
  const first = await open(place, queues, { "app:main": working }, { activities: steps });
  await first.start("app:main", ["app:orders"], { workflowId: "one" });
  await first.result("one");
  await settle();
  const ids = queues.got.map(({ messageId }) => messageId);
  expect(new Set(ids).size).toBe(3);
  const left = place.crashed();
  const after = new Queues();
  await open(left, after, { "app:main": working }, { activities: steps });
  await settle();
  const again = after.got.map(({ messageId }) => messageId);
  // Those that were removed with a later step do not come again; the last one does.
  expect(again.length).toBeGreaterThan(0);
  expect(again).toEqual(ids.slice(-again.length));
  await machine.advance(200);
  expect(rows(left)).toEqual([]);
});

test("a replay publishes nothing again, and sees when the code publishes elsewhere", async () => {
  const place = newPlace();
  const queues = new Queues();
  const publishing = (queue: string): Script =>
    function* (run) {
      run.publish(queue, "before");
      yield run.signal();
      run.publish(queue, "after");
      yield run.signal();
      return true;
    };
  const script = { "app:main": publishing("app:orders") };
  const first = await open(place, queues, script);
  const { runId } = await first.start("app:main", [], { workflowId: "one" });
  await settle();
  await close(first);
  const second = await open(place, queues, script);
  await second.signal("one", "go");
  await settle();
  expect(queues.of("app:orders")).toEqual(["before", "after"]);
  const history = (await second.history(runId)).filter(({ type }) => type === "MessagePublished");
  expect(history.map(({ data }) => data)).toEqual([
    { seq: 1, queue: "app:orders" },
    { seq: 2, queue: "app:orders" },
  ]);
  await close(second);
  const third = await open(place, queues, { "app:main": publishing("app:others") });
  await third.signal("one", "end");
  await settle();
  expect((await third.provider.run(runId))!.blocked).toMatchObject({
    cause: "nondeterminism",
    expected: { event: "MessagePublished app:orders #1" },
    actual: { command: "publish #1 app:others" },
  });
  expect(queues.got).toHaveLength(2);
});

test("a queue that fails is tried again with growing delays, and keeps the order of each workflow", async () => {
  const queues = new Queues();
  const many: Script = (run, name) => {
    for (let i = 1; i <= 5; i++) run.publish("app:away", `${String(name)}${i}`);
    run.publish("app:there", String(name));
    return true;
  };
  const runtime = await open(newPlace(), queues, { "app:main": many });
  const tries: number[] = [];
  const begin = machine.now();
  queues.take = ({ queue }) => {
    if (queue !== "app:away") return Promise.resolve();
    tries.push(machine.now() - begin);
    return Promise.reject(unavailable());
  };
  for (const name of ["a", "b"]) {
    await runtime.start("app:main", [name], { workflowId: name });
    await runtime.result(name);
  }
  await machine.advance(60_000);
  expect(queues.of("app:there")).toEqual(["a", "b"]);
  expect(queues.of("app:away")).toEqual([]);
  const waits = tries.slice(1).map((time, i) => time - tries[i]!).filter((wait) => wait > 0);
  expect(waits.slice(0, 5)).toEqual([50, 100, 200, 400, 800]);
  expect(Math.max(...waits)).toBeLessThanOrEqual(30_000);
  expect(runtime.provider.backlog()).toContainEqual({
    queue: "app:away",
    waiting: 10,
    refused: 0,
    error: "the broker is away",
  });
  const told = runtime.reports.filter(({ message }) => message.includes("takes no messages"));
  expect(told.map(({ level }) => level)).toEqual(["warn"]);

  queues.take = () => Promise.resolve();
  await machine.advance(30_000);
  const got = queues.of("app:away") as string[];
  for (const name of ["a", "b"]) {
    expect(got.filter((each) => each.startsWith(name)))
      .toEqual([1, 2, 3, 4, 5].map((i) => `${name}${i}`));
  }
  expect(runtime.reports.at(-1)).toMatchObject({
    level: "info",
    message: "the queue app:away takes messages again",
  });
});

test("a message that its queue refuses for good lets the others pass, and comes again at the next start", async () => {
  const place = newPlace();
  const queues = new Queues();
  const three: Script = (run) => {
    for (let i = 1; i <= 3; i++) run.publish("app:orders", i);
    return true;
  };
  const runtime = await open(place, queues, { "app:main": three });
  queues.take = ({ body }) =>
    unpack(body) === 2
      ? Promise.reject(new WippyError("Internal", "cannot be JSON", { retryable: false }))
      : Promise.resolve();
  await runtime.start("app:main", [], { workflowId: "one" });
  await runtime.result("one");
  await machine.advance(60_000);
  expect(queues.of("app:orders")).toEqual([1, 3]);
  expect(runtime.provider.backlog()).toEqual([
    { queue: "app:orders", waiting: 0, refused: 1, error: "cannot be JSON" },
  ]);
  expect(runtime.reports).toMatchObject([{ level: "error", fields: { workflow_id: "one" } }]);
  await close(runtime);
  queues.take = () => Promise.resolve();
  await open(place, queues, { "app:main": three });
  await settle();
  expect(queues.of("app:orders")).toEqual([1, 3, 2]);
});

test("a queue that was away and refuses its last message is not tried on and on", async () => {
  const queues = new Queues();
  const runtime = await open(newPlace(), queues, {
    "app:main": (run) => {
      run.publish("app:orders", 1);
      return true;
    },
  });
  let tries = 0;
  queues.take = () =>
    Promise.reject(
      ++tries === 1 ? unavailable() : new WippyError("Internal", "no", { retryable: false }),
    );
  await runtime.start("app:main", [], { workflowId: "one" });
  await runtime.result("one");
  const timers: number[] = [];
  const { setTimer } = machine;
  machine.setTimer = (delay, callback) => {
    timers.push(delay);
    return setTimer.call(machine, delay, callback);
  };
  await machine.advance(50);
  expect(tries).toBe(2);
  expect(timers).not.toContain(0);
});

/** Publishes without end, a message for each step. */
const endless: Script = function* (run) {
  for (let i = 1;; i++) {
    run.publish("app:orders", i);
    yield run.activity("app:step", [i]);
  }
};

test("a workflow of which too many messages wait goes on when there is room, also after a crash", async () => {
  const place = smallPlace();
  const queues = new Queues();
  queues.take = () => Promise.reject(unavailable());
  const first = await open(place, queues, { "app:main": endless }, { activities: steps });
  await first.start("app:main", [], { workflowId: "one" });
  const waiting = () => rows(place).length;
  for (let last = -1; last !== waiting();) {
    last = waiting();
    await settle(50);
  }
  expect(waiting()).toBe(mostWaiting);
  // Another workflow is not held up.
  await first.start("app:other", [], { workflowId: "two" });
  const left = place.crashed();
  places.push(left);
  await first.provider.terminate("one", {});
  await close(first);

  const second = await open(left, queues, { "app:main": endless }, { activities: steps });
  await settle();
  expect(rows(left)).toHaveLength(mostWaiting);
  queues.take = () => Promise.resolve();
  await machine.advance(60_000);
  while (queues.got.length <= mostWaiting) {
    const before = queues.got.length;
    await settle();
    await machine.advance(100);
    expect(queues.got.length).toBeGreaterThan(before);
  }
  expect(queues.of("app:orders")).toEqual(queues.got.map((_, index) => index + 1));
  await second.provider.terminate("one", {});
});

test("a run that waits for room is cancelled all the same", async () => {
  const queues = new Queues();
  queues.take = () => Promise.reject(unavailable());
  const script: Script = function* (run) {
    for (let i = 0; i < mostWaiting; i++) run.publish("app:orders", i);
    yield run.sleep(1_000);
    yield run.canceled();
    return "canceled";
  };
  const runtime = await open(smallPlace(), queues, { "app:main": script });
  await runtime.start("app:main", [], { workflowId: "one" });
  await machine.advance(10_000);
  await runtime.provider.cancel("one", { sender: "" });
  expect(await runtime.result("one")).toBe("canceled");
});

test("without queues messages wait, and nothing else does", async () => {
  const place = newPlace();
  const runtime = await Runtime.open({
    place,
    machine,
    scripts: { "app:main": working },
    activities: steps,
  });
  places.push(place);
  runtimes.push(runtime);
  await runtime.start("app:main", ["app:orders"], { workflowId: "one" });
  expect(await runtime.result("one")).toBe("done");
  expect(await refusal(runtime.signal("one", "late"))).toMatchObject({ kind: "NotFound" });
  expect(rows(place)).toHaveLength(3);
});
