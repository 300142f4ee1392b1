import { fn, makeVm } from "../make_vm.ts";
import type { Vm } from "../../../../src/vm/vm.ts";

/** What a program showed, how often its fuel was spent or it yielded, and all the fuel that it burnt. */
export type Behaviour = readonly unknown[];

/** Runs what it is given as a unit, in slices of so much fuel. */
const DRIVER = `
local slice = ...
local shown = {}
local function text(v)
  local kind = type(v)
  if kind == "table" or kind == "function" or kind == "thread" then return kind end
  return (tostring(v):gsub("0x%x+", "0x"))
end
local function show(...)
  local line = table.pack(...)
  for i = 1, line.n do line[i] = text(line[i]) end
  shown[#shown + 1] = table.concat(line, " ")
end
local env = setmetatable({ show = show }, { __index = _G })
collectgarbage("restart")
collectgarbage()
host.slice(slice)
local co = coroutine.create(function() local ok, message = pcall(program, env) show(ok, message) end)
local slices, yields = 0, 0
while coroutine.status(co) ~= "dead" and slices + yields < 100000 do
  local status = host.resume(co)
  if status == 3 then slices = slices + 1 else yields = yields + 1 end
  if status == -1 then break end
end
host.slice(0x7fffffff)
local burnt = host.burnt(co)
-- The last step may have gone on with crumbs of fuel.
if burnt > 0x7fffffff then burnt = "overdrawn" end
return slices, yields, burnt, table.concat(shown, "\\n")
`;

/** Two VMs that run the same programs: one interprets, the other has compiled functions before. */
export class Differences {
  private constructor(
    readonly interpreting: Vm,
    readonly compiling: Vm,
    readonly choose: (() => boolean) | undefined,
  ) {}

  /** @param choose which functions are compiled, all unless given */
  static async start(choose?: () => boolean): Promise<Differences> {
    // Both have the same strings, so that their tables of strings grow at the same places.
    return new Differences(await makeVm({ jit: true }), await makeVm({ jit: true }), choose);
  }

  /** What a program does in both. */
  run(source: string, slice: number): { interpreted: Behaviour; compiled: Behaviour } {
    const text = `local function program(_ENV)\n${source}\nend\n${DRIVER}`;
    const [interpreted, compiled] = [this.interpreting, this.compiling].map((vm) => {
      const ref = fn(vm, "...", text);
      if (vm === this.compiling) vm.compiling!.hot!.compileAll(this.choose);
      return vm.call(ref, slice);
    });
    return { interpreted: interpreted!, compiled: compiled! };
  }
}
