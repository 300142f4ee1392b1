import { expect, test } from "bun:test";
import { Glob } from "bun";
import { join } from "node:path";
import {
  any,
  flag,
  integer,
  list,
  oneOf,
  optional,
  packed,
  request,
  table,
  targeted,
  text,
} from "../../../src/node/requests/request.ts";
import { serviceRequests } from "../../../src/node/requests/services.ts";
import { Services } from "../../../src/node/services.ts";
import { lifecycle } from "../../../src/registry/lifecycle.ts";
import { type Caller, untilStopped } from "../../../src/services/service.ts";
import { LuaFloat, type LuaValue } from "../../../src/vm/value.ts";
import {
  packQuestions,
  type QuestionItem,
  QUESTIONS_REQUEST,
  unpackAnswers,
} from "../../../src/worker/question-messages.ts";
import { startApplication } from "../../integration/application.ts";

const root = join(import.meta.dir, "../../..");

const everything = request({
  name: text,
  count: integer,
  on: flag,
  kind: oneOf(["a", "b"]),
  pids: list(text),
  args: packed,
  more: optional(table({ depth: integer })),
  value: any,
}, (input) => input as unknown as LuaValue);

/** The services behind the requests of workers; `next` is the answer to questions that comes next. */
function asked(services: Pick<Services, "ask">) {
  let arrived = Promise.withResolvers<LuaValue>();
  const { requests, workerDied } = serviceRequests(services, (worker, message) => {
    const values = message.type === "answer" ? unpackAnswers(message.values) : message;
    arrived.resolve([worker, values as LuaValue]);
    arrived = Promise.withResolvers();
  }, queueMicrotask);
  const put = (worker: number, ...items: QuestionItem[]) =>
    requests[QUESTIONS_REQUEST]!.answer(QUESTIONS_REQUEST, worker, [packQuestions(items)]);
  return { requests, workerDied, put, next: () => arrived.promise };
}

const good = { name: "n", count: 1, on: true, kind: "a", pids: ["p"], args: [1], value: null };

test("fields are read, whatever form their table arrives in", async () => {
  expect(await everything.answer("x.y", 0, [good])).toEqual({ ...good, more: undefined });
  const asMap = new Map<string | number, LuaValue>(Object.entries(good));
  asMap.set("args", new Map<string | number, LuaValue>([["n", 3], [2, "two"]]));
  asMap.set("pids", {});
  asMap.set("count", 5n);
  expect(await everything.answer("x.y", 0, [asMap])).toEqual({
    ...good,
    count: 5,
    pids: [],
    args: [undefined, "two", undefined],
    more: undefined,
  });
});

test.each<[string, LuaValue, string]>([
  ["name", new Uint8Array([255]), "x.y.name: text in UTF-8 expected, got bytes"],
  ["name", undefined, "x.y.name: text in UTF-8 expected, got nil"],
  ["name", 7, "x.y.name: text in UTF-8 expected, got number"],
  ["count", "7", "x.y.count: whole number expected, got string"],
  ["count", 2n ** 60n, "x.y.count: whole number expected, got number"],
  ["count", 0.5, "x.y.count: whole number expected, got number"],
  ["count", new LuaFloat(NaN), "x.y.count: whole number expected, got number"],
  ["on", "yes", "x.y.on: boolean expected, got string"],
  ["kind", "c", "x.y.kind: one of a, b expected, got string"],
  ["pids", "p", "x.y.pids: list expected, got string"],
  ["pids", ["p", 1], "x.y.pids.2: text in UTF-8 expected, got number"],
  ["args", { 1: "a" }, "x.y.args.n: whole number expected, got nil"],
  ["more", { depth: "1" }, "x.y.more.depth: whole number expected, got string"],
  ["more", 3, "x.y.more: table expected, got number"],
])("a wrong field is named: %s = %p", (field, value, message) => {
  expect(() => everything.answer("x.y", 0, [{ ...good, [field]: value }])).toThrow(message);
});

test("positions have names too", () => {
  const send = targeted({ pid: text, count: integer }, "values", ({ values }) => values);
  expect(send.answer("send", 0, ["p", 2, "a", undefined])).toEqual(["a", undefined]);
  expect(() => send.answer("send", 0, [1, 2])).toThrow("send.pid: text in UTF-8 expected");
});

test("a service that runs answers a module", async () => {
  const heard: LuaValue[] = [];
  const answers = untilStopped({ open() {}, close() {} });
  answers.answer = (operation, input, caller) => {
    heard.push([operation, input, caller.pid, caller.frame]);
    return "row";
  };
  const services = new Services({ log() {} });
  const settings = lifecycle().parse({ auto_start: true });
  services.add({ id: "app:db", lifecycle: settings, requires: [], make: answers });
  services.add({
    id: "app:mute",
    lifecycle: settings,
    requires: [],
    make: untilStopped({ open() {}, close() {} }),
  });
  const ask = (service: string) =>
    Promise.resolve().then(() =>
      asked(services).requests["services.ask"]!.answer("services.ask", 0, [
        { service, operation: "query", input: "select 1", pid: "{a|0x1}", frame: {} },
      ])
    );
  await expect(ask("app:db")).rejects.toThrow("service app:db is unknown");
  await services.startAll();
  expect(await ask("app:db")).toBe("row");
  expect(heard).toEqual([["query", "select 1", "{a|0x1}", {}]]);
  await expect(ask("app:mute")).rejects.toThrow("service app:mute answers no query");
  await expect(ask("app:none")).rejects.toThrow("no service app:none");
  await services.stopAll();
  await expect(ask("app:db")).rejects.toThrow("service app:db is stopped");
});

test("a call waits for a service that starts, unless it is called off or the start fails", async () => {
  const answers = untilStopped({ open() {}, close() {} });
  answers.answer = () => "row";
  const opened = Promise.withResolvers<void>();
  const services = new Services({ log() {} });
  const settings = lifecycle().parse({ auto_start: true, restart: { initial_delay: "1h" } });
  const slow = untilStopped({ open: () => opened.promise, close() {} });
  services.add({ id: "app:db", lifecycle: settings, requires: [], make: slow });
  services.add({ id: "app:store", lifecycle: settings, requires: ["app:db"], make: answers });
  const starting = services.startAll();
  const { put, next } = asked(services);
  const ask = (call: number) => put(0, [call, "app:store", "query", 1, "{a|0x1}"]);
  ask(1);
  const off = next();
  put(0, [1]);
  expect(await off).toEqual([
    0,
    [[1, undefined, expect.objectContaining({ message: "operation canceled" })]],
  ]);
  ask(2);
  const waits = next();
  opened.resolve();
  expect(await waits).toEqual([0, [[2, "row"]]]);
  await starting;

  const broken = new Services({ log() {} });
  const fails = untilStopped({ open: () => Promise.reject(new Error("no")), close() {} });
  broken.add({ id: "app:db", lifecycle: settings, requires: [], make: fails });
  broken.add({ id: "app:store", lifecycle: settings, requires: ["app:db"], make: answers });
  const failing = broken.startAll();
  const refused = asked(broken).requests["services.ask"]!;
  await expect(
    (async () =>
      await refused.answer("services.ask", 0, [
        { service: "app:store", operation: "query", input: 1, pid: "{a|0x1}", frame: {} },
      ]))(),
  ).rejects.toThrow("service app:store is unknown");
  await failing;
  await broken.stopAll();
});

test("a call of a service is called off by its worker, and by the worker's death", async () => {
  const callers: Caller[] = [];
  const answers = untilStopped({ open() {}, close() {} });
  answers.answer = (_operation, _input, caller) => {
    callers.push(caller);
    return new Promise((resolve) => caller.signal.addEventListener("abort", () => resolve("off")));
  };
  const services = new Services({ log() {} });
  const settings = lifecycle().parse({ auto_start: true });
  services.add({ id: "app:db", lifecycle: settings, requires: [], make: answers });
  await services.startAll();
  const { put, next, workerDied } = asked(services);
  const ask = (worker: number, call: number) =>
    put(worker, [call, "app:db", "query", 1, "{a|0x1}"]);
  ask(0, 1);
  ask(1, 1);
  const first = next();
  put(0, [1]);
  expect(await first).toEqual([0, [[1, "off"]]]);
  expect(callers.map(({ signal, gone }) => [signal.aborted, gone.aborted]))
    .toEqual([[true, false], [false, false]]);
  workerDied(1);
  expect(callers.map(({ signal, gone }) => [signal.aborted, gone.aborted]))
    .toEqual([[true, false], [true, true]]);
});

test("what is asked together is answered together, and what takes longer by itself", async () => {
  const slow = Promise.withResolvers<LuaValue>();
  const answers = untilStopped({ open() {}, close() {} });
  answers.answer = (_operation, input) => input === "slow" ? slow.promise : input;
  const services = new Services({ log() {} });
  const settings = lifecycle().parse({ auto_start: true });
  services.add({ id: "app:db", lifecycle: settings, requires: [], make: answers });
  await services.startAll();
  const { put, next } = asked(services);
  const question = (call: number, input: LuaValue): QuestionItem => [
    ...[call, "app:db", "query", input, "{a|0x1}"] as const,
  ];
  put(3, question(1, "a"), question(2, "slow"), question(3, "b"));
  expect(await next()).toEqual([3, [[1, "a"], [3, "b"]]]);
  slow.resolve("c");
  expect(await next()).toEqual([3, [[2, "c"]]]);
  const large = new Uint8Array(100_000).fill(7);
  put(3, question(4, Uint8Array.of(1, 2)));
  expect(await next()).toEqual([3, [[4, Uint8Array.of(1, 2)]]]);
  put(3, question(5, large), question(6, "d"));
  expect(await next()).toEqual([3, { type: "answer_bytes", call: 5, bytes: large }]);
  expect(await next()).toEqual([3, [[6, "d"]]]);
});

test("what the kernel asks for is there, and what is there is asked for", async () => {
  const asked = new Set<string>();
  for (const path of new Glob("**/*.lua").scanSync(join(root, "lua"))) {
    const source = await Bun.file(join(root, "lua", path)).text();
    const direct =
      /"((?:names|workflows|schedules|groups|events|registry|measures|system|services|debug)\.[a-z_.]+)"/g;
    for (const [, name] of source.matchAll(direct)) asked.add(name!);
  }
  const node = (await startApplication({})).node;
  expect(new Set(node.requests).size).toBe(node.requests.length);
  const offered = node.requests.filter((name) => name.includes("."));
  // Built from a prefix and the name of a function.
  // Operations of modules ask services through the worker, not through its kernel.
  asked.add(QUESTIONS_REQUEST);
  const composed = /^(schedules|system)\.|^groups\.(join|leave)$/;
  expect(offered.filter((name) => !asked.has(name) && !composed.test(name))).toEqual([]);
  const areas = /^(names|workflows|groups|events|registry|schedules)\./;
  // Names of effects and permissions, which look alike.
  const others = /^events\.(send|Subscription)$|^registry\.(apply_version|[A-Z]\w*|request|read)$/;
  const missing = [...asked].filter((name) =>
    areas.test(name) && !others.test(name) && !offered.includes(name)
  );
  expect(missing).toEqual([]);
});
