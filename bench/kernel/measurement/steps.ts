/**
 * Nanoseconds of single steps of the kernel, in one VM without a worker around it: the profile behind the rates of
 * ../kernel.ts. `bun bench/kernel/measurement/steps.ts [ROUNDS]` prints the best of the rounds for each step, less the
 * loop around it.
 * @module
 */
import { join } from "node:path";
import { loadLuaModule } from "../../../src/vm/module.ts";
import { Vm } from "../../../src/vm/vm.ts";
import { hostFunctions, kernelFunctions, kernelOf } from "../../../src/worker/kernel.ts";
import { sources } from "../../../src/worker/sources.ts";

const rounds = Number(Bun.argv[2] ?? 20);
const times = 5_000;
const brief = await Bun.file(join(import.meta.dir, "../app/src/brief.lua")).text();
const entry = { kind: "process.lua", method: "main", source: brief, modules: [] };

/** What the steps find: a process that sends, one whose coroutine waits, its inbox. */
const setting = `local use = ...
  local kernel_unit, scheduler = use("kernel/core/unit"), use("kernel/core/scheduler")
  local messaging, channel = use("kernel/messaging/messaging"), use("kernel/messaging/channel")
  local copies, sandbox = use("kernel/core/copy"), use("kernel/core/sandbox")
  local process = use("modules/process", host.runtime)
  local contexts = use("kernel/core/effects").context(use("contexts/process"))
  local function party(pid)
    local unit = { pid = pid, frame = {}, context = contexts, entry = { id = pid }, steps = 0 }
    kernel_unit.by_pid[pid] = unit
    return unit
  end
  local sender, target = party("{b|0x0000000000ff}"), party("{b|0x0000000000fe}")
  local inbox = messaging.inbox(target)
  local receive, pid = debug.getmetatable(inbox).__index.receive, target.pid
  local co = coroutine.create(function() while true do host.park() end end)
  scheduler.unit_of[co] = target
  local brief, absent = sandbox.entry("bench:brief"), {}
  local small, message = { task = "process_data", n = 1 }, { "t", "p", 1, 1 }
  local function turn(i) if i % 64 == 0 then repeat until not scheduler.run() scheduler.current = sender end end
  local function nothing() end
  scheduler.current = sender
  process.send(pid, "data", 1)
  receive(inbox)
  process.spawn("bench:brief", "bench:processes")
  scheduler.run()
  scheduler.current = sender`;

/** Lua code by what it measures; `i` counts. */
const steps: Readonly<Record<string, string>> = {
  "a loop": "",
  "message: send and receive": `process.send(pid, "data", i) receive(inbox)`,
  "message: the same with a small table": `process.send(pid, "data", small) receive(inbox)`,
  "message: a table of four with a metatable":
    `local m = setmetatable({ "data", pid, i, i }, absent)`,
  "message: into the inbox and out, the table made before":
    `channel.put(inbox, message) receive(inbox)`,
  "message: to one that waits, and its step":
    `inbox[channel.FIRST] = co process.send(pid, "data", i) turn(i)`,
  "switch: ready, resume and park": `scheduler.ready(co, i, true) turn(i)`,
  "switch: resume and park alone": `host.resume(co, i, true)`,
  "copy of a small table": `local c = copies.copy(small)`,
  "copy of a small table in Lua": `local c = copies.copy_in_lua(small)`,
  "spawn: start, run and end": `process.spawn("bench:brief", "bench:processes") turn(i)`,
  "spawn: a thousand at once": `process.spawn("bench:brief", "bench:processes")
    if i % 1000 == 0 then repeat until not scheduler.run() scheduler.current = sender end`,
  "spawn: the program's chunk in a new environment": `local fn = sandbox.method(brief, "main")`,
  "spawn: a PID": `local p = kernel_unit.new_pid("bench:processes")`,
  "spawn: a coroutine": `local c = coroutine.create(nothing)`,
  "spawn: a coroutine, run to its end": `local c = coroutine.create(nothing) host.resume(c)`,
  "spawn: the record of a unit": `local u = { pid = pid, entry = brief, context = 1, frame = 1,
    env = false, main = false, inbox = false, ended = false, parent = false, started = 1, steps = 0 }`,
  "pcall": "pcall(nothing)",
};

const vm = await Vm.create({ module: await loadLuaModule(), clock: clock() });
for (const name of hostFunctions) {
  vm.register(name, name === "entry" ? () => entry : name === "random_digits" ? digits : () => {});
}
const kernelSource = sources["kernel/kernel"]!.replace(
  /return kernel\s*$/,
  "host.use, host.runtime = use, runtime\nreturn kernel",
);
const references = vm.load(
  sources["kernel/boot"]!,
  "=lua/kernel/boot",
  { ...sources, "kernel/kernel": kernelSource },
  [...kernelFunctions],
);
const kernel = kernelOf(vm, references.map(({ id }) => id));
kernel.call("configure", 0, 0, true, false, 1, 2 ** 30);
kernel.call("host", "bench:processes", "process.host", "processes", "running");

let loop = 0;
for (const [name, code] of Object.entries(steps)) {
  const [measured] = vm.load(
    `return function(times, rounds)
      local step = load(${
      quoted(`${setting}
        return function(times) for i = 1, times do ${code} end end`)
    }, "=lua/steps")(host.use)
      local best = math.huge
      for _ = 1, rounds do
        local began = host.now()
        step(times)
        best = math.min(best, (host.now() - began) / times)
      end
      return best
    end`,
    "=lua/steps",
  );
  // As a unit would run it: inside a coroutine, where nothing needs a C frame.
  const [inside] = vm.load(
    `local fn = ... return function(...)
      local co = coroutine.create(fn)
      host.slice(0x7fffffff)
      local status, best
      repeat status, best = host.resume(co, ...) until status ~= 3
      if status ~= 0 then error(best, 0) end
      return best
    end`,
    "=lua/inside",
    measured!,
  );
  const best = Number(vm.call(inside!, times, rounds)[0]);
  if (name === "a loop") loop = best;
  console.log(`${name.padEnd(58)}${Math.round(name === "a loop" ? best : best - loop)} ns`);
}

function clock(): () => number {
  return () => performance.timeOrigin + performance.now();
}

function digits(count: unknown): string {
  return "0".repeat(Number(count));
}

function quoted(text: string): string {
  return `[==[${text}]==]`;
}
