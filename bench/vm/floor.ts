/**
 * What any kernel on this VM pays at least, in Lua alone: no PIDs, checks, copies, mailboxes nor time slices. It
 * tells how much of the distance to Erlang (bench/kernel/kernel.ts) can be closed in the kernel and how much is the
 * VM's.
 * @module
 */
import { loadLuaModule } from "../../src/vm/module.ts";
import { Vm } from "../../src/vm/vm.ts";
import { measure, quick } from "../kernel/measurement/measurement.ts";

const floors = {
  // One way: a call that makes a message's table and queues it, and the receiver's call.
  messages: `local queue, last, first = {}, 0, 1
    local function send(topic, from, value)
      last = last + 1
      queue[last] = setmetatable({ topic, from, value, last }, meta)
    end
    local function receive()
      local message = queue[first]
      queue[first] = nil
      first = first + 1
      return message
    end
    for i = 1, count do
      send("topic", "from", i)
      if i % 100 == 0 then for _ = 1, 100 do receive() end end
    end`,
  // Two messages' tables and two switches of coroutines.
  ping_pong: `local function make()
      return coroutine.create(function()
        for i = 1, count do
          local message = setmetatable({ "topic", "from", i, i }, meta)
          host.park()
        end
      end)
    end
    local a, b = make(), make()
    for i = 1, count do host.resume(a, i) host.resume(b, i) end`,
  // An environment, what a chunk returns, a coroutine that runs once, and a record of eight fields.
  spawn: `local function chunk(env)
      return function()
        local function main() end
        return main
      end
    end
    local visible, units = { __index = {} }, {}
    for i = 1, count do
      local co = coroutine.create(chunk(setmetatable({}, visible))())
      units[co] = { pid = i, co = co, a = 1, b = 2, c = 3, d = 4, e = 5, f = 6 }
      host.resume(co)
      units[co] = nil
    end`,
};

const count = quick ? 60_000 : 300_000;
for (const [name, code] of Object.entries(floors)) {
  await measure({
    figure: `vm.floor_${name}`,
    unit: "1/s",
    better: "higher",
    n: count,
    target: null,
    ours: async () => {
      const vm = await Vm.create({ module: await loadLuaModule(), clock: Date.now });
      const [floor] = vm.load(`local meta = {} return function(count) ${code} end`, "=floor");
      const warmUntil = performance.now() + 500;
      while (performance.now() < warmUntil) vm.call(floor!, count / 10);
      const began = performance.now();
      vm.call(floor!, count);
      return count / (performance.now() - began) * 1000;
    },
  });
}
