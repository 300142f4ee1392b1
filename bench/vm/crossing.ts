/**
 * Cost of crossings between JavaScript and Lua, beside wasmoon's, and of packing what crosses threads.
 * @module
 */
import { LuaFactory } from "wasmoon";
import { loadLuaModule } from "../../src/vm/module.ts";
import { Packed, Vm } from "../../src/vm/vm.ts";
import { measure, quick } from "../kernel/measurement/measurement.ts";

const rounds = quick ? 50_000 : 300_000;
const message = {
  topic: "order",
  from: "{node@1|host|0x01}",
  payloads: [{ id: 17, lines: [{ sku: "a-1", count: 2 }, { sku: "b-2", count: 1 }], paid: true }],
};

/** Nanoseconds of one `run(i)`, after a warm-up. */
function nanoseconds(run: (round: number) => void): number {
  for (let i = 0; i < rounds; i++) run(i);
  const began = performance.now();
  for (let i = 0; i < rounds; i++) run(i);
  return (performance.now() - began) * 1e6 / rounds;
}

const vm = await Vm.create({ module: await loadLuaModule(), clock: Date.now });
const [add, echo] = vm.load(
  "return function(a, b) return a + b end, function(v) return v end",
  "=bench",
);
const engine = await new LuaFactory().createEngine();
const [theirAdd, theirEcho] = [
  engine.doStringSync("return function(a, b) return a + b end"),
  engine.doStringSync("return function(v) return v end"),
];

const crossings = [
  {
    figure: "vm.call",
    ours: () => nanoseconds((i) => vm.call(add!, i, 1)),
    theirs: () => nanoseconds((i) => theirAdd(i, 1)),
  },
  {
    figure: "vm.message_there_and_back",
    ours: () => nanoseconds(() => vm.call(echo!, message)),
    theirs: () => nanoseconds(() => theirEcho(message)),
  },
];
for (const { figure, ours, theirs } of crossings) {
  await measure({
    figure,
    unit: "ns",
    better: "lower",
    n: rounds,
    target: null,
    ours,
    peer: { name: "wasmoon", run: theirs },
  });
}

// From a value in one VM to a value in another, as messages between workers take it.
let packed = new Packed(new Uint8Array());
vm.registerRaw("pack", (L) => {
  packed = new Packed(vm.pack(L, 1));
  return 0;
});
vm.registerRaw("unpack", (L) => {
  vm.push(L, packed);
  return 1;
});
const [packAndUnpack] = vm.load(
  "return function(v, n) for _ = 1, n do host.pack(v) host.unpack() end end",
  "=bench",
);

await measure({
  figure: "vm.pack_and_unpack",
  unit: "ns",
  better: "lower",
  n: rounds,
  target: null,
  ours: () => fromLua((n) => void vm.call(packAndUnpack!, message, n)),
  peer: {
    name: "JSON",
    run: () => nanoseconds(() => void JSON.parse(JSON.stringify(message))),
  },
});

let count = 0;
vm.register("count", (n) => {
  count += n as number;
});
vm.registerRaw("count_raw", (L) => {
  count += vm.read(L, 1) as number;
  return 0;
});
engine.global.set("count", (n: number) => {
  count += n;
});
const calls = (name: string) => `return function(n) local f = ${name} for i = 1, n do f(i) end end`;
const [registered] = vm.load(calls("host.count"), "=bench");
const [raw] = vm.load(calls("host.count_raw"), "=bench");
engine.doStringSync(`run = (function() ${calls("count")} end)()`);
/** Nanoseconds a call of a loop in Lua that calls JavaScript. */
function fromLua(run: (n: number) => void): number {
  run(rounds);
  const began = performance.now();
  run(rounds);
  return (performance.now() - began) * 1e6 / rounds;
}
for (
  const { figure, ref } of [
    { figure: "vm.host_function", ref: registered },
    { figure: "vm.raw_host_function", ref: raw },
  ]
) {
  await measure({
    figure,
    unit: "ns",
    better: "lower",
    n: rounds,
    target: null,
    ours: () => fromLua((n) => void vm.call(ref!, n)),
    peer: { name: "wasmoon", run: () => fromLua((n) => engine.doStringSync(`run(${n})`)) },
  });
}
