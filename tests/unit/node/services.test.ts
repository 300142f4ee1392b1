import { machine } from "../../../src/platform/machine.ts";
import { describe, expect, test } from "bun:test";
import { Bus } from "../../../src/node/bus.ts";
import { connectServices } from "../../../src/node/supervisor-events.ts";
import { restartDelay } from "../../../src/node/service-failure.ts";
import { Services } from "../../../src/node/services.ts";
import { type Service, untilStopped } from "../../../src/services/service.ts";
import type { LogRecord } from "../../../src/observe/log.ts";
import { type Lifecycle, lifecycle } from "../../../src/registry/lifecycle.ts";
import { WippyError } from "../../../src/vm/error.ts";

type Fields = Record<string, unknown>;

/** A service whose starts and ends the test decides. */
class FakeService implements Service {
  starts = 0;
  stops = 0;
  kills = 0;
  /** What the next starts do: fail with this. */
  refuse: Error | undefined;
  /** Whether it ends when asked to. */
  polite = true;
  #end = Promise.withResolvers<void>();
  #started = Promise.withResolvers<void>();

  constructor(readonly name: string, readonly journal: string[]) {}

  start(): Promise<{ ended: Promise<void> }> {
    this.starts += 1;
    this.journal.push(`start ${this.name}`);
    this.#started.resolve();
    this.#started = Promise.withResolvers();
    if (this.refuse) return Promise.reject(this.refuse);
    this.#end = Promise.withResolvers();
    return Promise.resolve({ ended: this.#end.promise });
  }

  stop(): Promise<void> {
    this.stops += 1;
    this.journal.push(`stop ${this.name}`);
    if (this.polite) this.exit();
    return Promise.resolve();
  }

  kill(): Promise<void> {
    this.kills += 1;
    this.journal.push(`kill ${this.name}`);
    return Promise.resolve();
  }

  exit(): void {
    this.#end.resolve();
  }

  fail(error: Error): void {
    this.#end.reject(error);
  }

  /** Fulfilled at the next start. */
  get nextStart(): Promise<void> {
    return this.#started.promise;
  }
}

class Bench {
  readonly logs: LogRecord[] = [];
  readonly journal: string[] = [];
  readonly services: Services;

  constructor(random = () => 0.5) {
    this.services = new Services({ log: (record) => this.logs.push(record) }, {
      ...machine,
      random: { ...machine.random, fraction: random },
    });
  }

  add(
    name: string,
    fields: Fields = {},
    requires: string[] = [],
    order: { host?: boolean; early?: boolean } = {},
  ): FakeService {
    const service = new FakeService(name, this.journal);
    const settings: Lifecycle = lifecycle().parse({ auto_start: true, ...fields });
    this.services.add({ id: name, lifecycle: settings, requires, make: service, ...order });
    return service;
  }

  /** Lets promises that are fulfilled already run on. */
  async settle(): Promise<void> {
    for (let i = 0; i < 50; i++) await Promise.resolve();
  }
}

const fast = { restart: { initial_delay: "1ms", max_delay: "4ms", jitter: -1 } };
const raised = () => new WippyError("Internal", "raised");

test("what is early starts first and stops last, unless it requires something", async () => {
  const bench = new Bench();
  bench.add("service");
  bench.add("host", {}, [], { host: true });
  bench.add("early", {}, [], { early: true });
  bench.add("early too", {}, ["service"], { early: true });
  await bench.services.startAll();
  expect(bench.journal).toEqual(["early", "host", "service", "early too"].map((n) => `start ${n}`));
  bench.journal.length = 0;
  await bench.services.stopAll();
  expect(bench.journal.slice(0, 2).sort()).toEqual(["stop host", "stop service"]);
  expect(bench.journal.slice(2)).toEqual(["stop early too", "stop early"]);
});

describe("restart", () => {
  test("after a failure, again and again", async () => {
    const bench = new Bench();
    const service = bench.add("a", fast);
    await bench.services.startAll();
    for (let i = 0; i < 3; i++) {
      const again = service.nextStart;
      service.fail(raised());
      await again;
      await bench.settle();
      expect(bench.services.state("a")).toBe("running");
    }
    expect(service.starts).toBe(4);
    await bench.services.stopAll();
  });

  test("not after a normal end", async () => {
    const bench = new Bench();
    const service = bench.add("a", fast);
    await bench.services.startAll();
    service.exit();
    await bench.settle();
    expect(bench.services.state("a")).toBe("exited");
    await bench.services.stopAll();
    expect(service.starts).toBe(1);
    expect(service.stops).toBe(0);
  });

  test("not after an error that says it is for good, nor a cancellation", async () => {
    for (
      const error of [
        new WippyError("Internal", "x", { retryable: false }),
        new WippyError("Canceled", "x"),
      ]
    ) {
      const bench = new Bench();
      const service = bench.add("a", fast);
      await bench.services.startAll();
      service.fail(error);
      await bench.settle();
      expect(bench.services.state("a")).toBe("exited");
      expect(bench.logs.at(-1)).toMatchObject({
        level: "error",
        logger: "supervisor",
        message: "service a is exited",
        fields: { error: "x" },
      });
      expect(service.starts).toBe(1);
    }
  });

  test("of what is retryable by its error", async () => {
    const bench = new Bench();
    const service = bench.add("a", fast);
    await bench.services.startAll();
    const again = service.nextStart;
    service.fail(new WippyError("Timeout", "x", { retryable: true }));
    await again;
    expect(service.starts).toBe(2);
    await bench.services.stopAll();
  });

  test("max_attempts counts starts", async () => {
    const bench = new Bench();
    const service = bench.add("a", { restart: { ...fast.restart, max_attempts: 3 } });
    service.refuse = raised();
    const second = service.nextStart.then(() => service.nextStart);
    await bench.services.startAll();
    await second;
    const third = service.nextStart;
    if (service.starts < 3) await third;
    await bench.settle();
    expect(service.starts).toBe(3);
    expect(bench.services.state("a")).toBe("failed");
    expect(bench.logs.at(-1)!.fields).toEqual({ error: "raised", attempts: 3 });
  });

  test("the delay grows from one to the next, up to its maximum", () => {
    const { restart } = lifecycle().parse({});
    expect([1, 2, 3, 4, 8, 20].map((n) => restartDelay(restart, n))).toEqual([
      1000,
      2000,
      4000,
      8000,
      90000,
      90000,
    ]);
  });

  test("the logged delay holds the jitter", async () => {
    for (const [random, delay] of [[0, 900], [0.5, 1000], [1, 1100]] as const) {
      const bench = new Bench(() => random);
      const service = bench.add("a");
      await bench.services.startAll();
      service.fail(raised());
      await bench.settle();
      expect(bench.logs.at(-1)!.fields["restart_in_ms"]).toBe(delay);
      await bench.services.stopAll();
    }
  });

  test("a service that ran for its stable threshold begins anew", async () => {
    const bench = new Bench();
    const delays = () => bench.logs.map(({ fields }) => fields["restart_in_ms"]);
    const service = bench.add("a", {
      stable_threshold: "1ns",
      restart: { initial_delay: "2ms", jitter: -1 },
    });
    await bench.services.startAll();
    for (let i = 0; i < 3; i++) {
      const again = service.nextStart;
      service.fail(raised());
      await again;
      await bench.settle();
    }
    expect(delays()).toEqual([2, 2, 2]);
    await bench.services.stopAll();
  });

  test("a retry that is due when all is stopped does not start", async () => {
    const bench = new Bench();
    const service = bench.add("a", fast);
    await bench.services.startAll();
    service.fail(raised());
    await bench.settle();
    expect(bench.services.state("a")).toBe("failed");
    await bench.services.stopAll();
    // Sleeps because nothing is to happen: this is due after the retry was, so fired after it.
    await Bun.sleep(10);
    expect(service.starts).toBe(1);
  });
});

describe("order", () => {
  test("dependencies start first and stop last, unneeded services not at all", async () => {
    const bench = new Bench();
    bench.add("c", {}, ["b"]);
    bench.add("b", { auto_start: false }, ["a"]);
    bench.add("a", { auto_start: false });
    bench.add("idle", { auto_start: false });
    await bench.services.startAll();
    await bench.services.stopAll();
    expect(bench.journal).toEqual(["start a", "start b", "start c", "stop c", "stop b", "stop a"]);
    expect(bench.services.state("idle")).toBe("unknown");
    expect(bench.services.state("nothing")).toBeUndefined();
  });

  test("a circle is told with its path", async () => {
    const bench = new Bench();
    bench.add("a", {}, ["b"]);
    bench.add("b", {}, ["c"]);
    bench.add("c", {}, ["b"]);
    await expect(bench.services.startAll()).rejects.toThrow("b → c → b");
    expect(bench.journal).toEqual([]);
  });

  test("what is required but no service is passed over", async () => {
    const bench = new Bench();
    bench.add("a", {}, ["a function"]);
    await bench.services.startAll();
    expect(bench.journal).toEqual(["start a"]);
    await bench.services.stopAll();
  });
});

describe("stop", () => {
  test("waits for the end, and stops each once", async () => {
    const bench = new Bench();
    const service = bench.add("a");
    await bench.services.startAll();
    await bench.services.stopAll();
    expect(bench.services.state("a")).toBe("stopped");
    await bench.services.stopAll();
    expect(service.stops).toBe(1);
    expect(service.kills).toBe(0);
  });

  test("kills what does not end in time, and goes on", async () => {
    const bench = new Bench();
    const stubborn = bench.add("stubborn", { stop_timeout: "2ms" }, ["below"]);
    const below = bench.add("below");
    stubborn.polite = false;
    await bench.services.startAll();
    await bench.services.stopAll();
    expect(bench.journal.slice(2)).toEqual(["stop stubborn", "kill stubborn", "stop below"]);
    expect(bench.services.state("stubborn")).toBe("failed");
    expect(bench.logs.at(-1)).toMatchObject({
      message: "service stubborn is failed",
      fields: { error: "stop timeout after 2 ms" },
    });
    expect(below.stops).toBe(1);
  });

  test("a service that fails while it is stopped is stopped", async () => {
    const bench = new Bench();
    const service = bench.add("a", fast);
    service.polite = false;
    await bench.services.startAll();
    const stopped = bench.services.stopAll();
    service.fail(raised());
    await stopped;
    expect(bench.services.state("a")).toBe("stopped");
    expect(service.starts).toBe(1);
  });
});

describe("starting by requirements", () => {
  test("a service starts as soon as what it requires runs, beside a slow one", async () => {
    const bench = new Bench();
    const gate = Promise.withResolvers<void>();
    const slow = bench.add("slow");
    const start = slow.start.bind(slow);
    slow.start = () => gate.promise.then(start);
    bench.add("a");
    bench.add("b", {}, ["a"]);
    bench.add("c", {}, ["b"]);
    bench.add("after", {}, ["slow", "c"]);
    const all = bench.services.startAll();
    await bench.settle();
    expect(bench.journal).toEqual(["start a", "start b", "start c"]);
    gate.resolve();
    await all;
    expect(bench.journal).toEqual(["start a", "start b", "start c", "start slow", "start after"]);
    await bench.services.stopAll();
  });

  test("a failed start holds up only what requires it, which starts once it runs", async () => {
    const bench = new Bench();
    const weak = bench.add("weak", fast);
    weak.refuse = raised();
    const above = bench.add("above", {}, ["weak"]);
    const top = bench.add("top", {}, ["above"]);
    const beside = bench.add("beside");
    await bench.services.startAll();
    expect([weak.starts, above.starts, top.starts, beside.starts]).toEqual([1, 0, 0, 1]);
    expect(bench.services.describe("above")).toMatchObject({
      status: "unknown",
      desired: "running",
      details: "waits for weak",
    });
    weak.refuse = undefined;
    const started = top.nextStart;
    await started;
    await bench.settle();
    expect(["weak", "above", "top"].map((id) => bench.services.state(id)))
      .toEqual(["running", "running", "running"]);
    await bench.services.stopAll();
    expect(bench.journal.slice(-4).sort()).toEqual([
      "stop above",
      "stop beside",
      "stop top",
      "stop weak",
    ]);
  });

  test("what cannot be there blocks a service, and with it what requires that", async () => {
    const bench = new Bench();
    const a = new FakeService("a", bench.journal);
    const settings = lifecycle().parse({ auto_start: true });
    bench.services.add({
      id: "a",
      lifecycle: settings,
      requires: ["gone"],
      strict: ["gone"],
      make: a,
    });
    const b = bench.add("b", {}, ["a"]);
    await bench.services.startAll();
    expect([a.starts, b.starts]).toEqual([0, 0]);
    const text = "service startup blocked by missing dependencies: ";
    expect(bench.services.describe("a")).toMatchObject({
      status: "failed",
      details: `${text}a requires gone`,
    });
    expect(bench.services.describe("b")!.details).toBe(`${text}b requires a`);
  });

  test("a start that takes too long has failed, and what comes of it is ended", async () => {
    const bench = new Bench();
    const late = bench.add("late", { ...fast, start_timeout: "5ms" });
    const gate = Promise.withResolvers<void>();
    const start = late.start.bind(late);
    late.start = () => gate.promise.then(start);
    await bench.services.startAll();
    expect(bench.services.describe("late")!.details).toBe("service start timed out after 5 ms");
    late.start = start;
    const again = late.nextStart;
    await again;
    await bench.settle();
    expect(bench.services.state("late")).toBe("running");
    gate.resolve();
    await bench.settle();
    expect(late.kills).toBe(1);
  });

  test("a host that cannot start is fatal when it is required, by itself or by another", async () => {
    const refused = () => Promise.reject(new WippyError("Internal", "no disk"));
    const closed = () => Promise.resolve();
    for (
      const [startup, needed, fatal] of [
        ["required", false, true],
        ["optional", false, false],
        ["optional", true, true],
      ] as const
    ) {
      const bench = new Bench();
      const settings = lifecycle().parse({ auto_start: true, startup, ...fast });
      bench.services.add({
        id: "host",
        lifecycle: settings,
        requires: [],
        host: true,
        make: untilStopped({ open: refused, close: closed }),
      });
      if (needed) bench.add("user", {}, ["host"]);
      const result = await bench.services.startAll().then(() => "started", (e: Error) => e.message);
      expect([startup, needed, result]).toEqual([startup, needed, fatal ? "no disk" : "started"]);
      await bench.services.stopAll();
    }
  });

  test("by hand: with what it requires; stopped after what requires it", async () => {
    const bench = new Bench();
    bench.add("a", { auto_start: false });
    bench.add("b", { auto_start: false }, ["a"]);
    bench.add("c", { auto_start: false });
    await bench.services.start("b");
    await bench.services.start("c");
    await bench.services.stop("a");
    expect(bench.journal).toEqual(["start a", "start b", "start c", "stop b", "stop a"]);
    expect(["a", "b", "c"].map((id) => bench.services.describe(id)!.desired))
      .toEqual(["stopped", "stopped", "running"]);
    expect(await bench.services.stop("x").catch((e: Error) => e.message)).toBe("no service x");
    await bench.services.stopAll();
  });

  test("events start and stop services; one that cannot be is in the log", async () => {
    const bench = new Bench();
    const bus = new Bus();
    const log = { log: (record: LogRecord) => bench.logs.push(record) };
    connectServices(bus, bench.services, log, () => 0);
    const service = bench.add("a", { auto_start: false });
    const updates: string[] = [];
    bus.subscribe({ system: "supervisor", kind: "service.update" }, ({ path, data }) => {
      updates.push(`${path} ${(data as { status: string }).status}`);
    });
    for (const [kind, path] of [["start", "a"], ["start", "nothing"], ["stop", "a"]] as const) {
      bus.publish({ system: "supervisor", kind: `service.${kind}`, path });
      await bench.settle();
    }
    expect(updates).toEqual(["a starting", "a running", "a stopping", "a stopped"]);
    expect([service.starts, service.stops]).toEqual([1, 1]);
    expect(bench.logs.map(({ message }) => message)).toEqual([
      "service.start of nothing: no service nothing",
    ]);
  });
});
