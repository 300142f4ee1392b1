/**
 * Several runtimes, and what is between them and the server: nothing that was taken is lost, as seen by the effects.
 * `WIPPY_TEMPORAL_OUTAGES=20` is the long form.
 */
import { describe, expect } from "bun:test";
import { unpack } from "../../../src/vm/codec.ts";
import { connect } from "../../../src/workflows/providers/temporal/connection/connection.ts";
import type { RunClosed } from "../../../src/workflows/provider.ts";
import { cleanAfterTest } from "../../cleanup.ts";
import type { Runtime, RuntimeOptions } from "../../conformance/runtime.ts";
import { withTemporal } from "../../temporal-server.ts";
import { until } from "../../until.ts";
import { cutProxy } from "./cut-proxy.ts";
import { messagesOf, scripts, steps } from "./killed-scripts.ts";
import { onServer } from "./on-server.ts";

const outages = Number(process.env["WIPPY_TEMPORAL_OUTAGES"] ?? 1);
const within = 60_000 + outages * 20_000;
const taskQueues = onServer({ durable: true });
const { open, placeOn } = taskQueues;

/** Runs with effects that are counted apart from them. */
class Load {
  readonly effects: string[] = [];
  readonly #runs: number;
  readonly #name: string;
  #ends: Promise<RunClosed>[] = [];

  constructor(name: string) {
    this.#name = name;
    this.#runs = 10 * Math.max(1, Math.floor(outages / 2));
  }

  get options(): RuntimeOptions {
    return {
      scripts,
      activities: {
        "app:effect": (_task, name) => {
          this.effects.push(String(name));
          return name;
        },
      },
    };
  }

  async start(r: Runtime): Promise<void> {
    for (let id = 0; id < this.#runs; id++) {
      const workflowId = `${this.#name}-${id}`;
      await r.start("app:killed", [id], { workflowId, options: { taskTimeout: 1_500 } });
      this.#ends.push(r.closed(workflowId));
    }
  }

  /** Waits for effects beyond those that are there, unless all are. */
  async more(): Promise<void> {
    const before = this.effects.length;
    const all = () => new Set(this.effects).size === this.#runs * steps;
    await until(() => this.effects.length > before + 2 || all());
  }

  /** Ends the runs and looks at what they have seen and done. @param others runtimes that may have done some of it */
  async end(r: Runtime, ...others: Runtime[]): Promise<void> {
    for (let id = 0; id < this.#runs; id++) {
      // Twice is as good as once: a request whose answer was lost.
      await until(() => r.signal(`${this.#name}-${id}`, "go", id).then(() => true, () => false));
    }
    const closed = await Promise.all(this.#ends);
    const wanted: string[] = [];
    for (const [id, { status, value, failure }] of closed.entries()) {
      expect([status, failure]).toEqual(["completed", undefined]);
      const [seen, signal] = unpack(value!) as [[number, string][], number];
      expect(signal).toBe(id);
      expect(seen).toHaveLength(steps);
      for (const [step, [drawn, effect]] of seen.entries()) {
        expect(effect).toBe(`${id}.${step}.${drawn}`);
        wanted.push(effect);
      }
      const all = messagesOf(id, seen.map(([drawn]) => drawn));
      const sent = () =>
        [r, ...others].flatMap(({ messages }) =>
          messages.map(({ payloads }) => String(unpack(payloads)))
        );
      await until(() => all.every((message) => sent().includes(message)));
    }
    expect([...new Set(this.effects)].sort()).toEqual(wanted.sort());
  }

  /** Effects beyond one for each step. */
  get repeated(): number {
    return this.effects.length - this.#runs * steps;
  }
}

describe("nothing is lost", () => {
  withTemporal("when one of two runtimes on a task queue is killed", async () => {
    const load = new Load("shared");
    const place = placeOn("shared");
    const first = await open(load.options, place);
    const second = await open(load.options, place);
    await load.start(first);
    await until(() => first.attempts.length > 2 && second.attempts.length > 2);
    place.killed();
    await load.end(first, second);
    expect(load.repeated).toBeLessThanOrEqual(20);
  }, within);

  withTemporal("and nothing done twice when both runtimes of a task queue stay", async () => {
    const load = new Load("both");
    const place = placeOn("both");
    const first = await open(load.options, place);
    const second = await open(load.options, place);
    await load.start(first);
    await load.end(second, first);
    expect([first.attempts.length > 0, second.attempts.length > 0]).toEqual([true, true]);
    expect(load.repeated).toBe(0);
  }, within);

  withTemporal("when the server is killed and comes back", async () => {
    const load = new Load("server");
    const r = await open(load.options, placeOn("server"));
    await load.start(r);
    for (let outage = 0; outage < outages; outage++) {
      await load.more();
      await taskQueues.server.kill();
      await taskQueues.server.run();
    }
    await load.end(r);
    expect(load.repeated).toBeLessThanOrEqual(outages * 20);
  }, within);

  for (const how of ["cut", "swallow"] as const) {
    const name = how === "cut" ? "breaks its connections" : "swallows what is sent";
    withTemporal(`when the network ${name}`, async () => {
      const load = new Load(how);
      const proxy = await cutProxy(taskQueues.server.port);
      const r = await open(load.options, placeOn(how, { address: proxy.address }));
      const probe = await connect({ address: proxy.address, namespace: "default" });
      cleanAfterTest(() => probe.close());
      await load.start(r);
      for (let outage = 0; outage < outages; outage++) {
        await load.more();
        proxy[how]();
        await until(() => probe.check(500).then(() => false, () => true));
        proxy.mend();
      }
      await load.end(r);
      expect(load.repeated).toBeLessThanOrEqual(outages * 20);
    }, within);
  }
});
