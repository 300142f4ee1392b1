import { expect, test } from "bun:test";
import { type StandingWorker, WorkerWatch } from "../../../src/node/worker-watch.ts";
import { Pulse, pulseMemory } from "../../../src/worker/pulse.ts";

/** A watch over two workers, and what it said. */
function watching(patience = 0, share = 1) {
  const memory = pulseMemory(2);
  const said: (string | StandingWorker)[][] = [];
  const note = (what: string) => (index: number, state: StandingWorker | number) => {
    said.push([`${what} ${index}`, ...(typeof state === "number" ? [`${state} ms`] : [state])]);
  };
  const watch = new WorkerWatch(memory, patience, {
    standing: note("standing"),
    goesOn: note("goes on"),
    lost: note("lost"),
  }, () => ({ share: () => share }));
  const pulses = [new Pulse(memory, 0), new Pulse(memory, 1)] as const;
  watch.add(0);
  watch.add(1);
  const look = (times: number) => {
    for (let i = 0; i < times; i++) {
      pulses[0].beat();
      watch.look();
    }
  };
  return { watch, pulses, said, look };
}

test("a worker that misses four beats stands still, and its unit is named", () => {
  const { watch, pulses, said, look } = watching();
  pulses[1].note("{app:processes|0x00041}");
  look(3);
  expect(said).toEqual([]);
  look(2);
  const state = { unit: "{app:processes|0x00041}", for: 1000 };
  expect(said).toEqual([["standing 1", state]]);
  expect(watch.standing(1)).toEqual({ ...state, for: 1250 });
  expect(watch.standing(0)).toBeUndefined();
  pulses[1].beat();
  look(1);
  expect(said.slice(1)).toEqual([["goes on 1", "1250 ms"]]);
  expect(watch.standing(1)).toBeUndefined();
  watch.close();
});

test("what was noted before the last beat names nobody", () => {
  const { watch, pulses, look } = watching();
  pulses[1].note("{app:processes|0x00041}");
  pulses[1].beat();
  look(6);
  expect(watch.standing(1)).toEqual({ for: 1250 });
  watch.close();
});

test("a worker that stands still for too long is lost", () => {
  const { watch, said, look } = watching(2000);
  look(8);
  expect(said.at(-1)).toEqual(["lost 1", { for: 2000 }]);
  watch.close();
});

test("the time in which a worker waits for a processor does not count", () => {
  const { watch, pulses, said, look } = watching(1500, 0.25);
  look(12);
  expect(said).toEqual([]);
  look(1);
  expect(said).toEqual([["standing 1", { for: 1000 }]]);
  look(7);
  expect(said).toHaveLength(1);
  expect(watch.standing(1)).toEqual({ for: 1438 });
  look(1);
  expect(said.at(-1)).toEqual(["lost 1", { for: 1500 }]);
  pulses[1].beat();
  look(1);
  expect(said.at(-1)).toEqual(["goes on 1", "1500 ms"]);
  watch.close();
});
