import { LuaFactory } from "wasmoon";
import { loadLuaModule } from "../../../src/vm/module.ts";
import { Vm } from "../../../src/vm/vm.ts";
import { type Program, programs } from "./programs.ts";

/** Runs a program for `n` rounds, after a warm-up; answers nanoseconds a round. */
export type Engine = (program: Program, n: number) => number | Promise<number>;

/** Milliseconds of running before the time counts: Bun's tiers take that long for hot code. */
const WARM_UP = 500;

function nanoseconds(run: (n: number) => void, n: number): number {
  const until = performance.now() + WARM_UP;
  while (performance.now() < until) run(Math.ceil(n / 10));
  const began = performance.now();
  run(n);
  return (performance.now() - began) * 1e6 / n;
}

async function vm(): Promise<Vm> {
  return await Vm.create({ module: await loadLuaModule(), clock: Date.now });
}

/** Our VM, as trusted code runs: without metering. */
export const ours: Engine = async (program, n) => {
  const machine = await vm();
  const [run] = machine.load(programs[program], "=bench");
  return nanoseconds((rounds) => void machine.call(run!, rounds), n);
};

/** Our VM, as a unit runs: in slices of about ten milliseconds. */
export const metered: Engine = async (program, n) => {
  const machine = await vm();
  const [run] = machine.load(
    `local run = load(...)()
    host.slice(1000000)
    return function(n)
      local unit = coroutine.create(run)
      local status = host.resume(unit, n)
      while status == 3 do status = host.resume(unit) end
      assert(status == 0)
    end`,
    "=bench",
    programs[program],
  );
  return nanoseconds((rounds) => void machine.call(run!, rounds), n);
};

/** The wasm as wasmoon ships it: neither soft yields nor fuel. */
export const shipped: Engine = async (program, n) => {
  const engine = await new LuaFactory().createEngine();
  engine.doStringSync(`run = (function() ${programs[program]} end)()`);
  try {
    return nanoseconds((rounds) => engine.doStringSync(`run(${rounds})`), n);
  } finally {
    engine.global.close();
  }
};

/** The command of a native Lua 5.4, or null. */
export const nativeCommand = Bun.which("lua5.4");

/** A native Lua 5.4. */
export const native: Engine = (program, n) => {
  const script = `local run = (function() ${programs[program]} end)()
    run(${Math.ceil(n / 10)})
    local began = os.clock()
    run(${n})
    print(string.format("%.3f", (os.clock() - began) * 1e9 / ${n}))`;
  const { stdout, exitCode } = Bun.spawnSync([nativeCommand!, "-e", script]);
  if (exitCode !== 0) throw new Error(`${nativeCommand} failed`);
  return Number(stdout.toString());
};
