import { describe, expect, test } from "bun:test";
import { failure, main, runFunction, runProcess } from "../application.ts";

/** Sends to itself: `send(topic, ...)`. */
const prelude = `local me = process.pid()
  local function send(...) assert(process.send(me, ...)) end
`;
const run = (body: string) => runProcess(prelude + body);

describe("routing", () => {
  test("messages wait until the inbox is opened, in order", async () => {
    expect(
      await run(`send("a", 1) send("b", 2) send("a", 3)
        local log = {}
        for _ = 1, 3 do
          local m = process.inbox():receive()
          table.insert(log, m:topic() .. m:payload():data())
        end
        return log`),
    ).toEqual(["a1", "b2", "a3"]);
  });

  test("a topic with a listener never reaches the inbox", async () => {
    expect(
      await run(`local ch = process.listen("a")
        send("a", 1) send("b", 2) send("a", 3)
        local m = process.inbox():receive()
        return { m:topic(), (ch:receive()), (ch:receive()) }`),
    ).toEqual(["b", 1, 3]);
  });

  test("a queued message is diverted when its topic gets a listener first", async () => {
    expect(
      await run(`local inbox = process.inbox()
        send("a", 1) send("b", 2)
        local ch = process.listen("a")
        local first = inbox:receive()
        return { first:topic(), (ch:receive()) }`),
    ).toEqual(["b", 1]);
  });

  test("a message without a value is none with the value nil, whichever way it takes", async () => {
    expect(
      await run(`local inbox = process.inbox()
        -- The first of a topic is checked in Lua, and what comes for a listener is delivered there.
        send("fresh") send("fresh") send("fresh", nil) send("fresh", nil, nil)
        local waiting = coroutine.spawn(function() send("fresh") end)
        local log = {}
        for _ = 1, 5 do
          local m = inbox:receive()
          local p = m:payload()
          local kind = p == nil and "none" or #p == 0 and tostring(p:data()) or #p
          table.insert(log, m:topic() .. " " .. kind .. " " .. tostring(m:from() == me))
        end
        local ch = process.listen("t")
        send("t")
        table.insert(log, tostring((ch:receive())))
        return log`),
    ).toEqual([
      "fresh none true",
      "fresh none true",
      "fresh nil true",
      "fresh 2 true",
      "fresh none true",
      "nil",
    ]);
  });

  test("topics drain independently", async () => {
    expect(
      await run(`local a, b = process.listen("a"), process.listen("b")
        for i = 1, 5 do send("a", "a" .. i) send("b", "b" .. i) end
        local log = {}
        for _ = 1, 5 do table.insert(log, (b:receive())) end
        for _ = 1, 5 do table.insert(log, (a:receive())) end
        return table.concat(log, " ")`),
    ).toBe("b1 b2 b3 b4 b5 a1 a2 a3 a4 a5");
  });

  test("no wildcards", async () => {
    expect(
      await run(`process.listen("*")
        send("a", 1)
        return process.inbox():receive():topic()`),
    ).toBe("a");
  });

  test("in a select over inbox and events the order of arrival decides", async () => {
    expect(
      await run(`local events, inbox = process.events(), process.inbox()
        send("first", 1)
        process.cancel(me, "second")
        send("third", 3)
        local log = {}
        for _ = 1, 3 do
          local r = channel.select{ events:case_receive(), inbox:case_receive() }
          table.insert(log, r.channel == inbox and r.value:topic() or r.value.reason)
        end
        return log`),
    ).toEqual(["first", "second", "third"]);
  });

  test("a case that is ready wins over what is queued", async () => {
    expect(
      await run(`send("a", 1)
        local ready = channel.new(1)
        ready:send("ready")
        local r = channel.select{ process.inbox():case_receive(), ready:case_receive() }
        return r.value`),
    ).toBe("ready");
  });

  test("a select with a default takes what is queued", async () => {
    expect(
      await run(`send("a", 1)
        process.cancel(me, "why")
        local one = channel.select{ process.inbox():case_receive(), default = true }
        local two = channel.select{ process.events():case_receive(), default = true }
        local three = channel.select{ process.inbox():case_receive(), default = true }
        return { one.value:topic(), two.value.reason, three.default }`),
    ).toEqual(["a", "why", true]);
  });

  test("a message wakes a unit that waits for something else", async () => {
    expect(
      await run(`local inbox, late = process.inbox(), time.after("10s")
        coroutine.spawn(function() time.sleep("1ms") send("wake") end)
        local r = channel.select{ inbox:case_receive(), late:case_receive() }
        return r.value:topic()`),
    ).toBe("wake");
  });

  test("the order of a sender is kept over many messages", async () => {
    const flood = main(`local to = ...
      for i = 1, 2000 do process.send(to, i % 2 == 0 and "even" or "odd", i) end`);
    expect(
      await runProcess(
        `local even = process.listen("even")
         local inbox = process.inbox()
         process.spawn("app:flood", "app:processes", process.pid())
         local last = { odd = 0, even = 0 }
         for i = 1, 2000 do
           local r = channel.select{ inbox:case_receive(), even:case_receive() }
           local topic = r.channel == even and "even" or "odd"
           local value = r.channel == even and r.value or r.value:payload():data()
           assert(value > last[topic])
           last[topic] = value
         end
         return { last.odd, last.even }`,
        { processes: { flood } },
      ),
    ).toEqual([1999, 2000]);
  });
});

describe("values", () => {
  test("none is nil with ok, several are a list, nil holes are kept", async () => {
    expect(
      await run(`local ch = process.listen("t")
        send("t") send("t", 1, 2) send("t", nil) send("t", nil, 2)
        local v, ok = ch:receive()
        local two, null, hole = ch:receive(), { ch:receive() }, ch:receive()
        return { v == nil, ok, two, null[1] == nil, null[2], hole[1] == nil, hole[2] }`),
    ).toEqual([true, true, [1, 2], true, true, true, 2]);
  });

  test("a Message", async () => {
    expect(
      await run(`send("t") send("t", 1) send("t", 1, "b")
        local inbox = process.inbox()
        local none, one, two = inbox:receive(), inbox:receive(), inbox:receive()
        return { none:payload() == nil, one:payload():data(), one:payload():get_format(),
          #two:payload(), two:payload()[2]:data(), one:from() == me, tostring(one), type(one) }`),
    ).toEqual([true, 1, "lua/any", 2, "b", true, "process.Message{topic=t}", "userdata"]);
  });

  test("listen with message = true gives Messages, also when asked later", async () => {
    expect(
      await run(`local ch = process.listen("t")
        send("t", 1)
        local raw = ch:receive()
        local same = process.listen("t", { message = true }) == ch
        send("t", 2)
        return { raw, same, ch:receive():payload():data() }`),
    ).toEqual([1, true, 2]);
  });
});

describe("channels of the mailbox", () => {
  test("are the same each time", async () => {
    expect(
      await run(`return { process.inbox() == process.inbox(), process.events() == process.events(),
        process.listen("t") == process.listen("t"), process.listen("t") ~= process.listen("u") }`),
    ).toEqual([true, true, true, true]);
  });

  test("a listener can be polled", async () => {
    expect(
      await run(`local ch = process.listen("t")
        local before = channel.select{ ch:case_receive(), default = true }
        send("t", 1)
        local after = channel.select{ ch:case_receive(), default = true }
        return { before.default, after.value }`),
    ).toEqual([true, 1]);
  });

  test("unlisten closes, and later messages go to the inbox again", async () => {
    expect(
      await run(`local ch = process.listen("t")
        local ok = process.unlisten(ch)
        send("t", 1)
        local v, open = ch:receive()
        return { ok, v == nil, open, process.inbox():receive():payload():data() }`),
    ).toEqual([true, true, false, 1]);
  });

  test("what a listener had queued beyond its buffer goes back to the mailbox", async () => {
    expect(
      await run(`local ch = process.listen("t")
        for i = 1, 3 do send("t", i) end
        process.unlisten(ch)
        local log = { (ch:receive()) }
        table.insert(log, select(2, ch:receive()))
        local again = process.listen("t")
        table.insert(log, (again:receive()))
        table.insert(log, (again:receive()))
        return log`),
    ).toEqual([1, false, 2, 3]);
  });

  test("unlisten works on the inbox and on events", async () => {
    expect(
      await run(`local inbox, events = process.inbox(), process.events()
        send("a", 1)
        process.cancel(me)
        local log = { process.unlisten(inbox), process.unlisten(events), select(2, inbox:receive()),
          process.inbox() ~= inbox }
        table.insert(log, process.inbox():receive():topic())
        table.insert(log, process.events():receive().kind)
        return log`),
    ).toEqual([true, true, false, true, "a", "pid.cancel"]);
  });

  test("unlisten of a channel that is none of them, and of none", async () => {
    expect(
      await run(`local ok, err = process.unlisten(channel.new())
        return { ok, err:kind(), (pcall(process.unlisten, 1)) }`),
    ).toEqual([false, "NotFound", false]);
  });

  test("topics that cannot be listened to", async () => {
    expect(
      await run(`local a, one = process.listen("")
        local b, two = process.listen("@pid/events")
        return { a == nil, one:kind(), b == nil, two:kind(), (pcall(process.listen)) }`),
    ).toEqual([true, "Invalid", true, "Invalid", false]);
  });
});

describe("subscribe", () => {
  test("routes a topic into a channel of the program", async () => {
    expect(
      await run(`local ch = channel.new(2)
        send("t", "queued")
        local same = subscribe("t", ch) == ch
        send("t", "later")
        local log = { same, (ch:receive()), (ch:receive()), subscribe("t", ch) == ch }
        local other, err = subscribe("t", channel.new())
        table.insert(log, other == nil)
        table.insert(log, err:kind())
        table.insert(log, unsubscribe(ch))
        table.insert(log, select(2, ch:receive()))
        local ok, gone = unsubscribe(ch)
        table.insert(log, ok)
        table.insert(log, gone:kind())
        return log`),
    ).toEqual([
      true,
      "queued",
      "later",
      true,
      true,
      "AlreadyExists",
      true,
      false,
      false,
      "NotFound",
    ]);
  });

  test("takes the mailbox's own topics", async () => {
    expect(
      await run(`local events, inbox = channel.new(4), channel.new(4)
        subscribe("@pid/events", events)
        process.cancel(me, "why")
        local log = { events:receive().reason }
        subscribe("@pid/inbox", inbox)
        send("anything", 1)
        table.insert(log, (inbox:receive()))
        return log`),
    ).toEqual(["why", 1]);
  });

  test("wants a text and a channel", async () => {
    expect(
      await run("return { (pcall(subscribe, 1, channel.new())), (pcall(subscribe, 't', {})) }"),
    )
      .toEqual([false, false]);
  });
});

describe("send", () => {
  test("answers true when it is delivered", async () => {
    expect(await run('return { process.send(me, "t") }')).toEqual([true]);
  });

  test("what it refuses", async () => {
    expect(
      await run(`local kinds = {}
        local function kind(...)
          local ok, err = process.send(...)
          table.insert(kinds, tostring(ok) .. " " .. err:kind() .. " " .. err:message())
        end
        kind()
        kind(me)
        kind(me, "@pid/events")
        kind("nobody", "t")
        kind("{app:processes|0x0ffc0}", "t")
        kind("{app:nohost|0x0ffc0}", "t")
        return kinds`),
    ).toEqual([
      "nil Invalid process.send needs a destination and a topic",
      "nil Invalid process.send needs a destination and a topic",
      "nil Invalid cannot send to @ topics",
      "nil NotFound name not registered: nobody",
      "nil NotFound process not found: {app:processes|0x0ffc0}",
      "nil NotFound process not found: {app:nohost|0x0ffc0}",
    ]);
  });

  test("a worker that is not there has no processes", async () => {
    expect(
      await run(`local ok, err = process.send("{app:processes|0x00041}", "t")
        return { ok == nil, err:kind() }`),
    ).toEqual([true, "NotFound"]);
  });

  test("odd PIDs are not found, or are names", async () => {
    expect(
      await run(`local kinds = {}
        for _, dest in ipairs({ "", "{", "{|}", "{a}", "{a|b}", "{a|}", "{|0x1}", "{a|0x}" }) do
          local ok, err = process.send(dest, "t", 1)
          table.insert(kinds, tostring(ok) .. err:kind())
        end
        return table.concat(kinds, " ")`),
    ).toBe("nilNotFound ".repeat(8).trim());
  });

  test("numbers as arguments raise", async () => {
    const error = await failure(run('process.send(1, "t")'));
    expect(error.message).toContain("bad argument #1 to 'send' (string expected, got number)");
  });

  test("functions and coroutines arrive as nil, nested ones too", async () => {
    expect(
      await run(`send("t", print)
        send("t", 1, coroutine.create(print), 3)
        send("t", { f = print, co = coroutine.create(print), ch = channel.new(), kept = 1 })
        local inbox, seen = process.inbox(), {}
        seen[1] = inbox:receive():payload():data() == nil
        local many = inbox:receive():payload()
        seen[2], seen[3], seen[4] = many[1]:data(), many[2]:data() == nil, many[3]:data()
        seen[5] = inbox:receive():payload():data()
        return seen`),
    ).toEqual([true, 1, true, 3, { kept: 1 }]);
  });

  test("what is too large is refused, and the sender goes on", async () => {
    expect(
      await run(`local many = {}
        for i = 1, 1000001 do many[i] = i end
        local _, err = process.send(me, "t", many)
        local deep = {}
        for _ = 1, 200 do deep = { deep } end
        local _, second = process.send(me, "t", deep)
        return { err:kind(), second:kind() }`),
    ).toEqual(["Invalid", "Invalid"]);
  });

  test("to a function's PID while it runs, not afterwards", async () => {
    expect(
      await runFunction(
        `local topic = process.listen("pid")
         local future = funcs.async("app:echo", process.pid())
         local pid = topic:receive()
         local sent = process.send(pid, "go", 5)
         local answer = future:channel():receive():data()
         local late, err = process.send(pid, "go", 6)
         return { sent, answer, late == nil, err:kind() }`,
        {
          functions: {
            echo: main(`process.send(..., "pid", process.pid())
              return process.inbox():receive():payload():data()`),
          },
        },
      ),
    ).toEqual([true, 5, true, "NotFound"]);
  });
});
