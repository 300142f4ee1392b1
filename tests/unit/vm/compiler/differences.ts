import { makeVm } from "../make_vm.ts";
import type { LuaRef, Vm } from "../../../../src/vm/vm.ts";

/**
 * How often its fuel was spent or it yielded, the fuel burnt, a digest of where it was stopped with how much fuel, and
 * what it showed.
 */
export type Behaviour = readonly unknown[];

/** How often a program is resumed, at most. */
export const MOST_STEPS = 100_000;

/** Lua code of `showing(list)`: a function that adds what it is given to the list, as a line of text. */
export const SHOWING = `
local function text(v)
  local kind = type(v)
  if kind == "table" or kind == "function" or kind == "thread" then return kind end
  return (tostring(v):gsub("0x%x+", "0x"))
end
local function showing(shown)
  return function(...)
    local line = table.pack(...)
    for i = 1, line.n do line[i] = text(line[i]) end
    shown[#shown + 1] = table.concat(line, " ")
  end
end
`;

/**
 * Two functions: one reads a program; the other runs it as a unit, in slices of so much fuel, and forgets it, so that
 * it is collected and VMs can be used for any number of programs.
 */
const DRIVER = `
local program

local function read(source)
  program = assert(load("local function program(_ENV)\\n" .. source .. "\\nend\\nreturn program", "=test:code"))()
end

${SHOWING}
local function run(slice)
  local shown = {}
  local show = showing(shown)
  local env = setmetatable({ show = show }, { __index = _G })
  local own = program
  program = nil
  collectgarbage("restart")
  collectgarbage()
  host.slice(slice)
  local co = coroutine.create(function() local ok, message = pcall(own, env) show(ok, message) end)
  local slices, yields, places = 0, 0, 0
  while coroutine.status(co) ~= "dead" and slices + yields < ${MOST_STEPS} do
    local status = host.resume(co)
    local info = status == 3 and debug.getinfo(co, 0, "l")
    -- What is left of the slice is exact, where host.burnt counts in sixteens.
    places = (places * 31 + (info and info.currentline or 0) + host.fuel()) % 1000000007
    if status == 3 then slices = slices + 1 else yields = yields + 1 end
    if status == -1 then break end
  end
  host.slice(0x7fffffff)
  local burnt = host.burnt(co)
  -- The last step may have gone on with crumbs of fuel.
  if burnt > 0x7fffffff then burnt = "overdrawn" end
  return slices, yields, burnt, places, table.concat(shown, "\\n")
end

return read, run
`;

/** A VM that runs programs, after it has compiled those functions of theirs that are chosen. */
class Machine {
  private constructor(
    readonly vm: Vm,
    readonly read: LuaRef,
    readonly runs: LuaRef,
    readonly choose: () => boolean,
  ) {}

  static async start(choose: () => boolean): Promise<Machine> {
    // All have the same strings, so that their tables of strings grow at the same places.
    const vm = await makeVm({ jit: true });
    const [read, runs] = vm.load(DRIVER, "=test:driver");
    return new Machine(vm, read!, runs!, choose);
  }

  run(source: string, slice: number): Behaviour {
    this.vm.call(this.read, source);
    this.vm.compiling!.hot!.compileAll(this.choose);
    return this.vm.call(this.runs, slice);
  }
}

/** VMs that run the same programs: one interprets, one has compiled all functions before, a third some of them. */
export class Differences {
  private constructor(
    readonly interpreting: Machine,
    readonly compiling: Machine,
    readonly mixing: Machine | undefined,
  ) {}

  /** @param choose which functions the third VM compiles; there is none unless given */
  static async start(choose?: () => boolean): Promise<Differences> {
    return new Differences(
      await Machine.start(() => false),
      await Machine.start(() => true),
      choose && await Machine.start(choose),
    );
  }

  /** Bytes that are in use in the VM that uses most. */
  get largest(): number {
    const all = [this.interpreting, this.compiling, this.mixing];
    return Math.max(...all.map((machine) => machine?.vm.memory().used ?? 0));
  }

  /** What a program does in each; `mixed` is what it does in the third, if there is one. */
  run(
    source: string,
    slice: number,
  ): { interpreted: Behaviour; compiled: Behaviour; mixed: Behaviour | undefined } {
    const interpreted = this.interpreting.run(source, slice);
    const compiled = this.compiling.run(source, slice);
    return { interpreted, compiled, mixed: this.mixing?.run(source, slice) };
  }
}
