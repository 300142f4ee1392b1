import { afterEach, beforeEach, describe, expect } from "bun:test";
import { pack } from "../../src/vm/codec.ts";
import { LuaFloat, type LuaValue } from "../../src/vm/value.ts";
import type { RunQuery } from "../../src/workflows/provider.ts";
import type { Place } from "./place.ts";
import { casesOf } from "./cases.ts";
import { places } from "./places.ts";
import { machineOf, refusal, Runtime, type VirtualMachine } from "./runtime.ts";
import type { Script } from "./scripted-engine.ts";

const scripts: Record<string, Script> = {
  "app:quick": () => true,
  "app:other": () => true,
  "app:waits": function* (run) {
    return yield run.signal();
  },
};

describe.each(places)("$name", (kind) => {
  const test = casesOf(kind);

  let place: Place;
  let machine: VirtualMachine;
  let runtime: Runtime;

  beforeEach(async () => {
    place = kind.make();
    machine = machineOf(place);
    runtime = await Runtime.open({ place, machine, scripts });
  });

  afterEach(async () => {
    await runtime.provider.close();
    expect(place.faults()).toEqual([]);
    place.remove();
  });

  /** Starts a run a second after the last one. */
  async function add(
    workflowId: string,
    entry = "app:quick",
    attributes?: Record<string, LuaValue>,
  ): Promise<void> {
    await machine.advance(1_000);
    const more = attributes ? { searchAttributes: pack(attributes) } : {};
    await runtime.start(entry, [], { workflowId, ...more });
    if (entry !== "app:waits") await runtime.closed(workflowId);
  }

  async function ids(query: RunQuery): Promise<string[]> {
    return (await runtime.provider.list(query)).runs.map(({ workflowId }) => workflowId);
  }

  test("runs are found by everything that is known of them, and by all of it together", async () => {
    const times: number[] = [];
    for (
      const [id, entry, attributes] of [
        ["order-1", "app:other", { city: "Oslo", n: 3 }],
        ["order-2", "app:waits", { city: "Bonn", n: 3, ok: true }],
        ["ordinary", "app:quick", { tags: ["Oslo", "Bonn", "Oslo"] }],
        ["order-4", "app:quick", { city: "Bonn", n: 4, ok: false }],
      ] as [string, string, Record<string, LuaValue>][]
    ) {
      await add(id, entry, attributes);
      await machine.advance(1_000);
      times.push(machine.time);
    }
    const [, second = 0, third = 0] = times;
    const sorted = async (query: RunQuery) => (await ids(query)).toSorted();
    expect(await sorted({})).toEqual(["order-1", "order-2", "order-4", "ordinary"]);
    expect(await ids({ status: "running" })).toEqual(["order-2"]);
    expect(await ids({ entry: "app:quick" })).toEqual(["order-4", "ordinary"]);
    expect(await ids({ workflowId: "order-2" })).toEqual(["order-2"]);
    expect(await sorted({ workflowIdPrefix: "order-" })).toEqual(["order-1", "order-2", "order-4"]);
    expect(await ids({ startedFrom: second, startedBefore: third })).toEqual(["ordinary"]);
    expect(await ids({ closedFrom: second })).toEqual(["order-4", "ordinary"]);
    expect(await ids({ closedBefore: third })).toEqual(["ordinary", "order-1"]);
    expect(await sorted({ attributes: { city: "Bonn" } })).toEqual(["order-2", "order-4"]);
    expect(await ids({ attributes: { tags: "Oslo" } })).toEqual(["ordinary"]);
    expect(await sorted({ attributes: { n: 3 } })).toEqual(["order-1", "order-2"]);
    expect(await ids({ attributes: { ok: true } })).toEqual(["order-2"]);
    expect(await ids({ attributes: { city: "Bonn", n: 3 } })).toEqual(["order-2"]);
    expect(await ids({ attributes: { city: "Oslo" }, status: "completed", entry: "app:other" }))
      .toEqual(["order-1"]);
    expect(await ids({ attributes: { city: "Rome" } })).toEqual([]);
  });

  test("an attribute may have another type in each run", async () => {
    await add("order-1", "app:other", { city: "Oslo", n: 3 });
    await add("order-2", "app:waits", { city: "Bonn", n: new LuaFloat(3), ok: true });
    await add("ordinary", "app:quick", { city: ["Oslo", "Bonn", "Oslo"] });
    await add("order-4", "app:quick", { n: 3.5, ok: "true" });
    expect(await ids({})).toEqual(["order-4", "ordinary", "order-2", "order-1"]);
    expect(await ids({ attributes: { city: "Oslo" } })).toEqual(["ordinary", "order-1"]);
    expect(await ids({ attributes: { n: 3 } })).toEqual(["order-2", "order-1"]);
    expect(await ids({ attributes: { ok: true } })).toEqual(["order-2"]);
    expect(await ids({ attributes: { ok: "true" } })).toEqual(["order-4"]);
    expect(await ids({ attributes: { city: "Bonn", n: 3 } })).toEqual(["order-2"]);
  });

  test("pages of any order hold every run once", async () => {
    for (let i = 0; i < 13; i++) {
      await runtime.start("app:quick", [], {
        workflowId: `w${i}`,
        searchAttributes: pack({ n: 1 }),
      });
      // Several runs at one time.
      if (i % 3 === 0) await machine.advance(1);
    }
    for (const query of [{}, { attributes: { n: 1 } }, { startedFrom: 0 }, { closedFrom: 0 }]) {
      const seen: string[] = [];
      let cursor: string | undefined;
      do {
        const page = await runtime.provider.list({
          ...query,
          limit: 4,
          ...cursor !== undefined && { cursor },
        });
        expect(page.runs.length).toBeLessThanOrEqual(4);
        seen.push(...page.runs.map(({ workflowId }) => workflowId));
        cursor = page.cursor;
      } while (cursor !== undefined);
      expect(seen).toHaveLength(13);
      expect(new Set(seen).size).toBe(13);
    }
    expect(await refusal(runtime.provider.list({ cursor: "no cursor" }))).toMatchObject({
      kind: "Invalid",
    });
  });
});
