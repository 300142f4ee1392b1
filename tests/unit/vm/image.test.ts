import { expect, test } from "bun:test";
import { loadLuaModule } from "../../../src/vm/module.ts";
import { LuaRef } from "../../../src/vm/value.ts";
import { Vm } from "../../../src/vm/vm.ts";

const source = `
  local count = 0
  local waiting = coroutine.create(function(step)
    while true do step = coroutine.yield(step * 2) end
  end)
  return function(step)
    count = count + 1
    local _, doubled = coroutine.resume(waiting, step)
    return count, doubled, host.answer(), ("x"):rep(3)
  end`;

async function loaded() {
  const vm = await Vm.create({ module: await loadLuaModule(), clock: Date.now });
  vm.register("answer", () => "first");
  const [fn] = vm.load(source, "=test");
  return { vm, fn: fn! };
}

test("a VM goes on from the image of another, apart from it", async () => {
  const { vm, fn } = await loaded();
  expect(vm.call(fn, 4)).toEqual([1, 8, "first", "xxx"]);
  const image = await vm.image();
  const copy = await Vm.create({ module: await loadLuaModule(), clock: Date.now, image });
  copy.register("answer", () => "second");
  expect(copy.call(new LuaRef(fn.id), 5)).toEqual([2, 10, "second", "xxx"]);
  expect(copy.call(new LuaRef(fn.id), 6)).toEqual([3, 12, "second", "xxx"]);
  expect(vm.call(fn, 7)).toEqual([2, 14, "first", "xxx"]);
});

test("an image of a VM that was made for it is small, and as good", async () => {
  const options = { module: await loadLuaModule(), clock: Date.now };
  const vm = await Vm.create({ ...options, memoryLimit: 32 * 2 ** 20, imaging: true });
  vm.register("answer", () => "first");
  const [fn] = vm.load(source, "=test");
  // Garbage, which the image is not to hold.
  vm.load('do local t = {} for i = 1, 200000 do t[i] = "garbage " .. i end end', "=garbage");
  vm.load('collectgarbage() collectgarbage("collect")', "=collect");
  const before = (await vm.image()).bytes.length;
  await vm.scrub();
  const image = await vm.image();
  expect(image.covers).toBe(true);
  expect(image.bytes.length).toBeLessThan(before / 4);
  const copy = await Vm.create({ ...options, image });
  copy.register("answer", () => "second");
  expect(copy.call(new LuaRef(fn!.id), 5)).toEqual([1, 10, "second", "xxx"]);
  // There is room, and what was cleared is usable.
  const [fill] = copy.load(
    "return function() local t = {} for i = 1, 200000 do t[i] = 'x' .. i end return #t end",
    "=fill",
  );
  expect(copy.call(fill!)).toEqual([200000]);
});

test("errors of a restored VM carry position and traceback", async () => {
  const { vm } = await loaded();
  const copy = await Vm.create({
    module: await loadLuaModule(),
    clock: Date.now,
    image: await vm.image(),
  });
  copy.register("answer", () => "");
  const [fail] = copy.load("return function() error('no') end", "=app:thing");
  expect(() => copy.call(fail!)).toThrow("app:thing:1: no");
});

test("host functions must come in the order of the image", async () => {
  const { vm } = await loaded();
  const copy = await Vm.create({
    module: await loadLuaModule(),
    clock: Date.now,
    image: await vm.image(),
  });
  expect(() => copy.register("question", () => "")).toThrow("host.question is registered in place");
});

test("an image of more memory than a new VM has makes it grow", async () => {
  const { vm } = await loaded();
  const [hold] = vm.load(
    `held = {} for i = 1, 100000 do held[i] = "text " .. i end
     return function() return #held, held[99999] end`,
    "=test",
  );
  const image = await vm.image();
  const copy = await Vm.create({ module: await loadLuaModule(), clock: Date.now, image });
  expect(copy.call(new LuaRef(hold!.id))).toEqual([100000, "text 99999"]);
});

test("what is kept back lies in the image, and is cleared for the next VM once it was given up", async () => {
  const options = { module: await loadLuaModule(), clock: Date.now };
  const made = await Vm.create({ ...options, imaging: true });
  const image = await made.image();
  expect(image.kept).toHaveLength(4);
  expect(image.kept).toEqual(image.kept.toSorted((one, other) => one - other));
  // Texts so large that the blocks are given up for them, when nothing else is left.
  const greedy = `return function()
    local all, size = {}, 300000
    return pcall(function() for i = 1, 100000 do all[i] = ("spent" .. i):rep(size // 8) end end)
  end`;
  for (let round = 0; round < 3; round++) {
    const vm = await Vm.create({ ...options, image, memoryLimit: 2 ** 24 });
    const [fill] = vm.load(greedy, "=greedy");
    if (round === 1) expect(vm.call(fill!)[0]).toBe(false);
    vm.beginTurn();
    vm.close();
    const next = await Vm.create({ ...options, image });
    const fresh = await next.image();
    expect(fresh.kept).toEqual(image.kept);
    expect(Buffer.from(fresh.bytes).includes("spent")).toBe(false);
    next.close();
  }
});
