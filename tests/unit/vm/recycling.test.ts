import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import binaryen from "binaryen";
import { type Instance, instantiate } from "../../../src/vm/instantiate.ts";
import { FEATURES } from "../../../src/vm/transform/transform.ts";
import type { VmOptions } from "../../../src/vm/options.ts";
import { BREAK, STATIC_END } from "../../../src/vm/layout.ts";
import { Vm } from "../../../src/vm/vm.ts";
import { loadKernelImage } from "../../../src/worker/kernel-image.ts";
import { hostFunctions } from "../../../src/worker/kernel.ts";

const wasm = new Uint8Array(
  readFileSync(join(resolve(import.meta.dirname, "../../.."), "build/lua.wasm")),
);

/** The wasm with all of its globals exported, those too that only code in it can see. */
const bare: Uint8Array<ArrayBuffer> = (() => {
  const module = binaryen.readBinary(wasm);
  module.setFeatures(FEATURES);
  for (let i = 0; i < module.getNumGlobals(); i++) {
    const { name } = binaryen.getGlobalInfo(module.getGlobalByIndex(i));
    module.addGlobalExport(name, `every:${name}`);
  }
  return new Uint8Array(module.emitBinary());
})();

/** Instances of one module are taken up again, those of different modules never. */
const compile = () => WebAssembly.compile(bare);

const host = {
  memoryLimit: 512 * 2 ** 20,
  clock: () => 0,
  imaged: false,
  write: () => {},
  toiling: () => {},
  hostCall: () => 0,
};

function globalsOf({ exports }: Instance): [string, unknown][] {
  return Object.entries(exports).flatMap(([name, value]) =>
    name.startsWith("every:") && value instanceof WebAssembly.Global ? [[name, value.value]] : []
  );
}

function tableOf({ exports }: Instance): boolean[] {
  const table = exports["__indirect_function_table"] as WebAssembly.Table;
  return Array.from({ length: table.length }, (_, i) => table.get(i) === null);
}

/** What a VM can leave behind, by its name. Each runs on the kernel's image, and on a VM without one. */
const traces: Record<string, (vm: Vm) => void> = {
  "globals and libraries": (vm) => {
    vm.load(
      `x, string.upper, math.huge, _G.print = {}, nil, 1, 2 table.extra = table package.loaded.x = 1`,
      "=t",
    );
  },
  "metatables of types": (vm) => {
    vm.load(
      `debug.getmetatable("").__index, debug.getmetatable("").__add = {}, print
       for _, v in ipairs({ 1, true, print, coroutine.create(print) }) do
         debug.setmetatable(v, { __index = { answer = 42 }, __call = print })
       end
       debug.setmetatable(nil, { __index = function() return 1 end })`,
      "=t",
    );
  },
  "the registry, hooks and warnings": (vm) => {
    vm.load(
      `debug.getregistry().mine = 1 debug.sethook(function() end, "crl", 7) warn("@on") warn("x")`,
      "=t",
    );
  },
  "the state of the collector": (vm) => {
    vm.load(
      `collectgarbage("generational", 7, 33) local t = setmetatable({}, { __mode = "kv" })
       for i = 1, 20000 do t[i] = { tostring(i) } end
       setmetatable({}, { __gc = function() later = true end }) collectgarbage("step", 3)`,
      "=t",
    );
  },
  "the string table": (vm) => {
    vm.load(`kept = {} for i = 1, 50000 do kept[i] = "text " .. i end`, "=t");
  },
  "random numbers and time": (vm) => {
    vm.load(`math.randomseed(7, 9) r = math.random() + os.time() + os.clock()`, "=t");
  },
  "coroutines of every kind": (vm) => {
    vm.load(
      `cos = {}
       local function add(f, ...) local c = coroutine.create(f) cos[#cos + 1] = c host.resume(c, ...) end
       host.slice(100)
       add(function() while true do end end)
       add(function() host.park() end)
       add(function() coroutine.yield(1) end)
       add(function() error({}) end)
       add(function() local v <close> = setmetatable({}, { __close = print }) host.park() end)
       add(function() pcall(function() table.sort({ 3, 2, 1 }, function() host.park() end) end) end)
       host.fuel() host.burnt(cos[1])`,
      "=t",
    );
  },
  "marked lines and raises": (vm) => {
    vm.load(
      `host.mark_lines(function() return true end, -1) host.mark_raises(function() return true end)
       co = coroutine.create(function() local a = 1
         error("x") end)
       host.watch_lines(co, true) host.resume(co) host.resume(co)`,
      "=t",
    );
  },
  "a stack overflow": (vm) => {
    vm.load(
      `local function f() return 1 + f() end pcall(f)
       pcall(string.rep, "x", -1) pcall(string.gsub, "x", "(((", "")
       local t = setmetatable({}, {}) getmetatable(t).__index = t`,
      "=t",
    );
  },
  "no memory": (vm) => {
    vm.load(
      `host.slice(1e6) local c = coroutine.create(function()
         local s = "x" while true do s = s .. s end end) out = { host.resume(c) }`,
      "=t",
    );
  },
  "megabytes": (vm) => {
    vm.load(`big = ("0123456789"):rep(300000) small = big:sub(1, 100):rep(20)`, "=t");
  },
  "output that ends within a character": (vm) => {
    vm.load(`io.write("\\xe2\\x82") io.stdout:flush() io.write("more")`, "=t");
  },
  "errors of JavaScript, references and the reserve": (vm) => {
    vm.beginTurn();
    expect(() => vm.load(`error({ 1 })`, "=t")).toThrow();
    expect(() => vm.load(`(`, "=t")).toThrow();
    vm.load(`return print, {}, "x", 1.5`, "=t");
    vm.failAllocations(3);
    vm.failAllocations(-1);
  },
};

const clock = () => 1234.5;

/** Whether the memory is that of a new instance; it may be larger, with nothing there. */
function isAsNew(again: Instance, fresh: Instance): boolean {
  const size = fresh.heap.u8.length;
  return Buffer.compare(again.heap.u8.subarray(0, size), fresh.heap.u8) === 0 &&
    again.heap.u8.subarray(size).every((byte) => byte === 0);
}

/** The memory behind a VM, which its instance keeps. */
const bufferOf = (vm: Vm) => vm.view(0, 1).buffer;

test.each(Object.keys(traces))("an instance is as a new one after %s", async (name) => {
  const module = await compile();
  const fresh = await instantiate(await compile(), host);
  for (const image of [undefined, (await loadKernelImage())!.vm]) {
    // No trace is so large that its memory is not taken up again.
    const vm = await Vm.create({
      module,
      clock,
      memoryLimit: 16 * 2 ** 20,
      ...(image && { image }),
    });
    for (const name of hostFunctions) vm.register(name, () => {});
    traces[name]!(vm);
    const buffer = bufferOf(vm);
    vm.close();
    const again = await instantiate(module, host);
    expect(again.heap.u8.buffer).toBe(buffer);
    expect(isAsNew(again, fresh)).toBe(true);
    expect(globalsOf(again)).toEqual(globalsOf(fresh));
    expect(tableOf(again)).toEqual(tableOf(fresh));
    again.giveBack();
  }
});

test("what the traces leave behind is there until the instance is taken up", async () => {
  const module = await compile();
  const fresh = await instantiate(await compile(), host);
  const instance = await instantiate(module, host);
  instance.giveBack();
  const before = new Map(globalsOf(fresh));
  const changed = () => globalsOf(instance).filter(([name, value]) => value !== before.get(name));
  const seen = new Set<string>();
  for (const trace of Object.values(traces).reverse()) {
    const vm = await Vm.create({ module, clock, memoryLimit: 16 * 2 ** 20 });
    trace(vm);
    for (const [name] of changed()) seen.add(name);
    expect(Buffer.compare(instance.heap.u8, fresh.heap.u8)).not.toBe(0);
    vm.close();
  }
  expect(seen.size).toBeGreaterThanOrEqual(10);
  expect(await instantiate(module, host)).toBe(instance);
  expect(changed()).toEqual([]);
  expect(isAsNew(instance, fresh)).toBe(true);
});

test("a new instance is small, and takes 16 MiB when it grows, which another VM may have then", async () => {
  const module = await compile();
  const vm = await Vm.create({ module, clock, image: (await loadKernelImage())!.vm });
  for (const name of hostFunctions) vm.register(name, () => {});
  // JavaScriptCore collects garbage for what is allocated, used or not.
  expect(bufferOf(vm).byteLength).toBeLessThanOrEqual(8 * 2 ** 20);
  traces["megabytes"]!(vm);
  const grown = bufferOf(vm);
  expect(grown.byteLength).toBe(16 * 2 ** 20);
  vm.close();
  expect((await instantiate(module, host)).heap.u8.buffer).toBe(grown);
});

/** Whether a VM that is made next has the instance of one that is closed as `close` does. */
async function isTakenUp(options: Partial<VmOptions>, close: (vm: Vm) => void): Promise<boolean> {
  const module = await compile();
  const vm = await Vm.create({ module, clock, ...options });
  const before = vm.view(0, 1).buffer;
  close(vm);
  const next = await Vm.create({ module, clock });
  return next.view(0, 1).buffer === before || next.view(0, 1).buffer === vm.view(0, 1).buffer;
}

test("an instance is taken up once, when its VM is closed and sound", async () => {
  expect(await isTakenUp({}, (vm) => vm.close())).toBe(true);
  expect(await isTakenUp({}, () => {})).toBe(false);
  expect(await isTakenUp({ jit: true }, (vm) => vm.close())).toBe(false);
  const grown = `kept = {} for i = 1, 40 do kept[i] = ("x"):rep(1000000) .. i end`;
  expect(
    await isTakenUp({}, (vm) => {
      vm.load(grown, "=grown");
      vm.close();
    }),
  ).toBe(false);
  const within = await isTakenUp({}, (vm) => {
    vm.register("stop", () => vm.close());
    expect(() => vm.load("host.stop() x = 1", "=t")).not.toThrow();
    vm.close();
  });
  expect(within).toBe(false);
  const trapped = await isTakenUp({}, (vm) => {
    vm.registerRaw("trap", () => {
      throw new WebAssembly.RuntimeError("unreachable");
    });
    expect(() => vm.load("host.trap()", "=t")).toThrow("died");
    vm.close();
  });
  expect(trapped).toBe(false);
  const module = await compile();
  const vm = await Vm.create({ module, clock });
  vm.close();
  vm.close();
  const [one, other] = [await Vm.create({ module, clock }), await Vm.create({ module, clock })];
  expect(one.view(0, 1).buffer).not.toBe(other.view(0, 1).buffer);
});

test("what C code has left on its stack does not reach a new VM", async () => {
  const module = await compile();
  const fresh = await instantiate(await compile(), host);
  const place = fresh.lua.luaL_newstate();
  for (const filler of [0x01, 0x55, 0xff]) {
    const first = await instantiate(module, { ...host, imaged: true });
    first.heap.u8.fill(filler, STATIC_END, first.heap.u32[BREAK >> 2]!);
    first.giveBack();
    const second = await instantiate(module, { ...host, imaged: true });
    expect(second.heap).toBe(first.heap);
    expect(second.lua.luaL_newstate()).toBe(place);
    second.giveBack();
  }
});

test("output and time are those of the new VM's host", async () => {
  const module = await compile();
  const written: string[] = [];
  const make = (name: string, at: number) =>
    Vm.create({ module, clock: () => at, write: (text) => written.push(`${name}: ${text}`) });
  const first = await make("first", 1);
  first.load(`io.write("half \\xe2\\x82") io.stdout:flush()`, "=t");
  first.register("who", () => "first");
  first.close();
  const second = await make("second", 2);
  second.register("who", () => "second");
  second.load(`io.write("whole") io.stdout:flush()`, "=t");
  expect(written).toEqual(["first: half ", "second: whole"]);
  expect(second.call(second.load("return function() return host.who(), host.now() end", "=t")[0]!))
    .toEqual(["second", 2_000_000]);
  expect(() => first.load("return 1", "=t")).toThrow("closed");
});
