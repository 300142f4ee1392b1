import { expect, test } from "bun:test";
import { Foreground } from "../../../src/node/foreground.ts";
import { ServiceUnits } from "../../../src/node/service-units.ts";
import { pack, unpack } from "../../../src/vm/codec.ts";
import { type LuaValue, PackedList } from "../../../src/vm/value.ts";
import { machine } from "../../../src/platform/machine.ts";

/** Units on one worker, which stands still as long as `still` says; the calls that it got; timers that wait. */
function standing() {
  const state = { still: true, calls: [] as LuaValue[], timers: [] as (() => void)[] };
  const unused = () => {
    throw new Error("not used here");
  };
  const pool: ConstructorParameters<typeof ServiceUnits>[0] = {
    askNow: unused,
    spawn: unused,
    running: [0],
    loadOf: () => 0,
    leastLoaded: () => 0,
    standing: () => state.still ? { for: 1000 } : undefined,
    call: (_worker, args) => {
      state.calls.push(args instanceof PackedList ? unpack(args.bytes) : args);
      return { answer: Promise.resolve(undefined), cancel() {} };
    },
  };
  const setTimer = (_delay: number, fire: () => void) => {
    state.timers.push(fire);
    return () => {};
  };
  const foreground = new Foreground(undefined, false, String);
  const units = new ServiceUnits(pool, foreground, { ...machine, setTimer });
  const deliveries = { args: pack(["app:f", {}, "app:c", [[1, 2]]]), count: 1 };
  const handle = (signal: AbortSignal) => units.handle(deliveries, signal);
  return { state, handle };
}

test("messages wait while the only worker stands still", async () => {
  const { state, handle } = standing();
  const handled = handle(new AbortController().signal);
  state.timers.shift()!();
  await Promise.resolve();
  await Promise.resolve();
  expect([state.calls, state.timers.length]).toEqual([[], 1]);
  state.still = false;
  state.timers.shift()!();
  await handled;
  expect(state.calls).toEqual([["app:f", {}, "app:c", [[1, 2]]]]);
});

test("messages that wait for a worker are called off", async () => {
  const { state, handle } = standing();
  const controller = new AbortController();
  const handled = handle(controller.signal);
  controller.abort();
  await expect(handled).rejects.toMatchObject({ kind: "Canceled" });
  expect(state.calls).toEqual([]);
});
