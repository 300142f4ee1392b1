import { expect, test } from "bun:test";
import { runProcess } from "../application.ts";

/** Each leaves nothing behind: kept, a few hundred bytes a turn would not fit into the memory. */
const bodies = {
  "processes that end": `for i = 1, 150000 do
      process.spawn("app:ends", "app:processes", i)
      if i % 100 == 0 then coroutine.yield() end
    end`,
  "monitored processes": `local events = process.events()
    for i = 1, 60000 do process.spawn_monitored("app:ends", "app:processes", i) events:receive() end`,
  "linked processes": `for i = 1, 60000 do
      process.spawn_linked("app:ends", "app:processes", i)
      coroutine.yield()
    end`,
  "calls": 'for i = 1, 100000 do funcs.call("app:f", i) end',
  "calls that fail": 'for i = 1, 20000 do funcs.call("app:fails", i) end',
  "asynchronous calls": 'for i = 1, 60000 do funcs.async("app:f", i):channel():receive() end',
  "cancelled calls": 'for i = 1, 30000 do funcs.async("app:sleeps", i):cancel() end',
  "stopped timers": 'for i = 1, 60000 do time.timer("1h"):stop() end',
  "coroutines": "for i = 1, 100000 do coroutine.spawn(function() end) end",
  "selects": `local a, b = channel.new(), channel.new()
    coroutine.spawn(function() for i = 1, 100000 do b:send(i) end end)
    for i = 1, 100000 do channel.select{ a:case_receive(), b:case_receive() } end`,
};

test.each(Object.entries(bodies))("%s are not kept", async (_, body) => {
  const sources = {
    functions: {
      f: "return function() process.pid() end",
      fails: "return function() error('x') end",
      sleeps: "return function() require('time').sleep('1h') end",
    },
    processes: { ends: "return function() end" },
  };
  const options = { memoryLimit: 40 * 1024 * 1024 };
  expect(await runProcess(`${body} return "done"`, sources, options)).toBe("done");
}, 20000);
