import { afterEach, beforeEach, describe, expect } from "bun:test";
import fc from "fast-check";
import type { LuaValue } from "../../src/vm/value.ts";
import { unpack } from "../../src/vm/codec.ts";
import { unpackHistory } from "../../src/workflows/history/history.ts";
import { machineOf, Runtime, settle, type VirtualMachine } from "./runtime.ts";
import type { ScriptRun } from "./scripted-engine.ts";
import { casesOf } from "./cases.ts";
import { places } from "./places.ts";

describe.each(places)("$name", (kind) => {
  const test = casesOf(kind);

  const opened: { runtime: Runtime; remove: () => void }[] = [];
  let machine: VirtualMachine;

  beforeEach(() => {
    machine = machineOf(kind.make());
  });

  afterEach(async () => {
    for (const { runtime, remove } of opened.splice(0)) {
      await runtime.provider.close();
      remove();
    }
  });

  type Message = { name: string; payloads: LuaValue[]; sender: string };

  /**
   * Collects the numbers of its signals; `next` continues as new with them, `end` gives them. An update is handled by
   * collecting its number, and answered when its run sees `answer`.
   */
  function* collector(run: ScriptRun, list: LuaValue = []): Generator<never, LuaValue, LuaValue> {
    const seen = [...list as LuaValue[]];
    const updates: string[] = [];
    let wantsNext = false;
    for (;;) {
      if (wantsNext && run.signals.length === 0) {
        yield run.continueAsNew("app:collect", seen) as never;
      }
      const message = (yield run.signal() as never) as unknown as Message;
      if (message.name === "number") seen.push(message.payloads[0]);
      else if (message.name === "next") wantsNext = true;
      else if (message.name === "end") return seen;
      else if (message.name === "update") {
        seen.push(message.payloads[0]);
        run.issue({ type: "accept_update", updateId: message.sender });
        updates.push(message.sender);
      } else if (message.name === "answer") {
        for (const updateId of updates.splice(0)) {
          run.issue({ type: "complete_update", updateId, value: updateId });
        }
      }
    }
  }

  async function open(): Promise<Runtime> {
    const place = kind.make();
    const runtime = await Runtime.open({
      place,
      machine,
      scripts: { "app:collect": collector },
    });
    opened.push({ runtime, remove: () => place.remove() });
    return runtime;
  }

  /** Sends the numbers one after another, each shown before the next is sent. */
  async function send(r: Runtime, ...numbers: number[]): Promise<void> {
    for (const number of numbers) {
      await r.signal("r", "number", number);
      await settle();
    }
  }

  async function ended(r: Runtime): Promise<LuaValue> {
    const result = r.result("r");
    await r.signal("r", "end");
    await settle();
    return await result;
  }

  test("a second reset of the base keeps what came to the run that the first one made", async () => {
    const r = await open();
    const { runId } = await r.start("app:collect", [], { workflowId: "r" });
    await send(r, 1, 2);
    await r.provider.reset("r", { eventId: 1, runId });
    await send(r, 3, 4);
    await r.provider.reset("r", { eventId: 1, runId });
    await send(r, 5);
    await r.provider.reset("r", { eventId: 1, runId });
    expect(await ended(r)).toEqual([1, 2, 3, 4, 5]);
  });

  test("so does one of a base that was closed", async () => {
    const r = await open();
    const { runId } = await r.start("app:collect", [], { workflowId: "r" });
    await send(r, 1);
    await r.provider.terminate("r", {});
    await r.provider.reset("r", { eventId: 1, runId });
    await send(r, 2);
    await r.provider.reset("r", { eventId: 1, runId });
    expect(await ended(r)).toEqual([1, 2]);
  });

  test("and one of a run in the middle of a chain, made after an earlier run was reset", async () => {
    const r = await open();
    const first = await r.start("app:collect", [], { workflowId: "r" });
    await send(r, 1);
    await r.signal("r", "next");
    await settle();
    const middle = (await r.provider.describe("r"))!.runId;
    await send(r, 2);
    await r.provider.reset("r", { eventId: 1, runId: first.runId });
    await settle();
    await send(r, 3);
    await r.provider.reset("r", { eventId: 1, runId: middle });
    await settle();
    expect(await ended(r)).toEqual([1, 2, 3]);
  });

  test("an open update goes on to the run of the second reset, and is answered once", async () => {
    const r = await open();
    const { runId } = await r.start("app:collect", [], { workflowId: "r" });
    await send(r, 1);
    await r.provider.reset("r", { eventId: 1, runId });
    await settle();
    const { pack } = await import("../../src/vm/codec.ts");
    const request = { updateId: "u", name: "update", args: pack([2]), sender: "{t|1}" };
    const answer = r.provider.update("r", request, "completed");
    await settle();
    await r.provider.reset("r", { eventId: 1, runId });
    await settle();
    await send(r, 3);
    await r.signal("r", "answer");
    await settle();
    const result = await answer;
    expect([result.status, unpack(result.value!)]).toEqual(["completed", "u"]);
    expect(await ended(r)).toEqual([1, 2, 3]);
  });

  type Step =
    | { kind: "number" | "next" | "terminate" }
    | { kind: "reset"; run: number; event: number; settles: boolean };

  const step: fc.Arbitrary<Step> = fc.oneof(
    { weight: 6, arbitrary: fc.constant({ kind: "number" } as const) },
    { weight: 1, arbitrary: fc.constant({ kind: "next" } as const) },
    { weight: 1, arbitrary: fc.constant({ kind: "terminate" } as const) },
    {
      weight: 3,
      arbitrary: fc.record({
        kind: fc.constant("reset" as const),
        run: fc.nat(99),
        event: fc.nat(99),
        settles: fc.boolean(),
      }),
    },
  );

  test("whatever is reset, the last run sees every signal once and in order", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 14 }), async (steps) => {
        machine = machineOf(kind.make());
        const r = await open();
        await r.start("app:collect", [], { workflowId: "r" });
        let sent = 0;
        const isOpen = async () => (await r.provider.describe("r"))!.status === "running";
        const reset = async (run: number, event: number) => {
          const { runs } = await r.provider.list({ workflowId: "r", limit: 100 });
          const { runId } = runs[run % runs.length]!;
          const { length } = unpackHistory(await r.provider.history(runId));
          // The last events may have no task behind them.
          await r.provider.reset("r", { runId, eventId: 1 + event % length })
            .catch(() => r.provider.reset("r", { runId, eventId: 1 }));
        };
        for (const action of steps) {
          if (action.kind === "reset") await reset(action.run, action.event);
          else if (!await isOpen()) continue;
          else if (action.kind === "terminate") await r.provider.terminate("r", {});
          else if (action.kind === "next") await r.signal("r", "next");
          else await r.signal("r", "number", ++sent);
          if (action.kind !== "reset" || action.settles) await settle(6);
        }
        if (!await isOpen()) await reset(0, 0);
        await settle();
        expect(await ended(r)).toEqual(Array.from({ length: sent }, (_, index) => index + 1));
      }),
      { numRuns: 40, seed: Number(process.env.WIPPY_SEED ?? 5) },
    );
  }, 60_000);
});
