import { describe, expect, test } from "bun:test";
import { failure, runFunction, runProcess } from "../application.ts";

describe("new", () => {
  test("without a size it is a rendezvous; a negative size is none", async () => {
    expect(
      await runFunction(`local taken = {}
        for _, ch in ipairs({ channel.new(), channel.new(0), channel.new(-3) }) do
          local r = channel.select{ ch:case_send(1), default = true }
          taken[#taken + 1] = r.default == true
        end
        return taken`),
    ).toEqual([true, true, true]);
  });

  test("a size that is no number raises", async () => {
    expect(await runFunction('return { pcall(channel.new, "x") }')).toEqual([
      false,
      expect.stringContaining("bad argument #1 to 'new'"),
    ]);
  });
});

describe("send and receive", () => {
  test("a buffer holds as many as its size, first in first out, nil included", async () => {
    expect(
      await runFunction(`local ch = channel.new(3)
        local log = { ch:send("a"), ch:send(nil), ch:send(false) }
        for _ = 1, 3 do
          local v, ok = ch:receive()
          log[#log + 1] = tostring(v) .. tostring(ok)
        end
        return log`),
    ).toEqual([true, true, true, "atrue", "niltrue", "falsetrue"]);
  });

  test("values pass by reference", async () => {
    expect(
      await runFunction("local ch, t = channel.new(1), {} ch:send(t) return ch:receive() == t"),
    )
      .toBe(true);
  });

  test("blocked receivers are served in order", async () => {
    expect(
      await runFunction(`local ch, log = channel.new(), {}
        for i = 1, 4 do
          coroutine.spawn(function() table.insert(log, (i .. ch:receive())) end)
        end
        for _, v in ipairs({ "a", "b", "c", "d" }) do ch:send(v) end
        time.sleep("1ms")
        return log`),
    ).toEqual(["1a", "2b", "3c", "4d"]);
  });

  test("blocked senders are served in order, and move into the buffer as it empties", async () => {
    expect(
      await runFunction(`local ch, log = channel.new(1), {}
        for i = 1, 4 do
          coroutine.spawn(function() ch:send(i) log[#log + 1] = "sent " .. i end)
        end
        local got = {}
        for i = 1, 4 do got[i] = ch:receive() end
        time.sleep("1ms")
        return { got, log }`),
    ).toEqual([[1, 2, 3, 4], ["sent 1", "sent 2", "sent 3", "sent 4"]]);
  });

  test("a rendezvous send waits for its receiver", async () => {
    expect(
      await runFunction(`local ch, log = channel.new(), {}
        coroutine.spawn(function() ch:send(1) log[#log + 1] = "sent" end)
        log[#log + 1] = "before"
        table.insert(log, (ch:receive()))
        time.sleep("1ms")
        return log`),
    ).toEqual(["before", 1, "sent"]);
  });

  test("a method on something else raises", async () => {
    expect(await runFunction("return (pcall(channel.new().receive, {}))")).toBe(false);
  });
});

describe("close", () => {
  test("what is buffered can still be received, then nil and false for ever", async () => {
    expect(
      await runFunction(`local ch = channel.new(2)
        ch:send(1) ch:send(2) ch:close() ch:close()
        local log = {}
        for _ = 1, 4 do
          local v, ok = ch:receive()
          log[#log + 1] = tostring(v) .. " " .. tostring(ok)
        end
        return log`),
    ).toEqual(["1 true", "2 true", "nil false", "nil false"]);
  });

  test("wakes all blocked receivers", async () => {
    expect(
      await runFunction(`local ch, log = channel.new(), {}
        for i = 1, 2 do
          coroutine.spawn(function() table.insert(log, (select("#", ch:receive()))) end)
        end
        coroutine.spawn(function()
          local r = channel.select{ ch:case_receive() }
          log[#log + 1] = { r.channel == ch, r.value == nil, r.ok }
        end)
        ch:close()
        time.sleep("1ms")
        return log`),
    ).toEqual([2, 2, [true, true, false]]);
  });

  test("wakes blocked senders with an error that they are given, not raised", async () => {
    expect(
      await runFunction(`local ch, log = channel.new(), {}
        coroutine.spawn(function()
          local ok, err = ch:send(1)
          log[#log + 1] = { ok == nil, type(err), tostring(err) }
        end)
        coroutine.spawn(function()
          local r, err = channel.select{ ch:case_send(1) }
          log[#log + 1] = { r == nil, type(err), tostring(err) }
        end)
        ch:close()
        time.sleep("1ms")
        return log`),
    ).toEqual([
      [true, "userdata", "send on closed channel"],
      [true, "userdata", "send on closed channel"],
    ]);
  });

  test("a send after it raises", async () => {
    const error = await failure(runFunction("local ch = channel.new(1) ch:close() ch:send(1)"));
    expect(error.message).toBe("app:main:3: send on closed channel");
  });
});

describe("select", () => {
  test("takes the first ready case in the order written, every time", async () => {
    expect(
      await runFunction(`local a, b = channel.new(8), channel.new(8)
        for i = 1, 3 do a:send("a" .. i) b:send("b" .. i) end
        local log = {}
        for _ = 1, 4 do
          local r = channel.select{ b:case_receive(), a:case_receive() }
          log[#log + 1] = r.value
        end
        return log`),
    ).toEqual(["b1", "b2", "b3", "a1"]);
  });

  test("a closed drained channel is always ready and beats the default", async () => {
    expect(
      await runFunction(`local ch, other = channel.new(), channel.new(1)
        ch:close() other:send(1)
        local r = channel.select{ ch:case_receive(), other:case_receive(), default = true }
        return { r.channel == ch, r.value == nil, r.ok, r.default == nil }`),
    ).toEqual([true, true, false, true]);
  });

  test("only the boolean true is a default, in the table or beside it", async () => {
    expect(
      await runFunction(`local ch = channel.new()
        local one = channel.select({ ch:case_receive(), default = true })
        local two = channel.select({ ch:case_receive() }, true)
        coroutine.spawn(function() ch:send("v") end)
        local three = channel.select({ ch:case_receive(), default = "yes" })
        return { one, two, one.channel == nil, three.value }`),
    ).toEqual([{ default: true, ok: true }, { default: true, ok: true }, true, "v"]);
  });

  test("a send case gives the value that it sent", async () => {
    expect(
      await runFunction(`local ch = channel.new(1)
        local r = channel.select{ ch:case_send("v") }
        return { r.channel == ch, r.value, r.ok, (ch:receive()) }`),
    ).toEqual([true, "v", true, "v"]);
  });

  test("a send case on a closed channel is never ready", async () => {
    expect(
      await runFunction(`local ch = channel.new(1)
        ch:close()
        return channel.select{ ch:case_send(1), default = true }`),
    ).toEqual({ default: true, ok: true });
  });

  test("waits on all; the first event decides and the others are withdrawn", async () => {
    expect(
      await runFunction(`local a, b, log = channel.new(), channel.new(), {}
        coroutine.spawn(function()
          local r = channel.select{ a:case_receive(), b:case_receive() }
          log[#log + 1] = r.value
        end)
        b:send("b")
        local r = channel.select{ a:case_send("a"), default = true }
        log[#log + 1] = r.default
        time.sleep("1ms")
        return log`),
    ).toEqual([true, "b"]);
  });

  test("a withdrawn send leaves nothing behind", async () => {
    expect(
      await runFunction(`local a, b = channel.new(), channel.new()
        coroutine.spawn(function() channel.select{ a:case_send("a"), b:case_receive() } end)
        b:send("b")
        return channel.select{ a:case_receive(), default = true }`),
    ).toEqual({ default: true, ok: true });
  });

  test("withdraws from queues whose first waiters are gone already", async () => {
    expect(
      await runFunction(`local a, b, log = channel.new(), channel.new(), {}
        for i = 1, 6 do
          coroutine.spawn(function() table.insert(log, (i .. a:receive())) end)
        end
        for i = 7, 9 do
          coroutine.spawn(function()
            local r = channel.select{ a:case_receive(), b:case_receive() }
            log[#log + 1] = i .. tostring(r.value)
          end)
        end
        for _ = 1, 5 do a:send("a") end
        for _ = 1, 3 do b:send("b") end
        a:send("a")
        time.sleep("1ms")
        table.sort(log)
        return log`),
    ).toEqual(["1a", "2a", "3a", "4a", "5a", "6a", "7b", "8b", "9b"]);
  });

  test("two senders that wait with select are withdrawn from the middle of a queue", async () => {
    expect(
      await runFunction(`local a, stop, log = channel.new(), channel.new(), {}
        coroutine.spawn(function() a:send(1) end)
        for i = 2, 3 do
          coroutine.spawn(function() channel.select{ a:case_send(i), stop:case_receive() } end)
        end
        coroutine.spawn(function() a:send(4) end)
        table.insert(log, (a:receive()))
        stop:close()
        table.insert(log, (a:receive()))
        log[#log + 1] = channel.select{ a:case_receive(), default = true }.default
        return log`),
    ).toEqual([1, 4, true]);
  });

  test("the same channel in two cases", async () => {
    expect(
      await runFunction(`local ch, log = channel.new(), {}
        coroutine.spawn(function()
          local r = channel.select{ ch:case_receive(), ch:case_receive() }
          log[#log + 1] = r.value
        end)
        ch:send(1)
        log[#log + 1] = channel.select{ ch:case_send(2), default = true }.default
        time.sleep("1ms")
        return log`),
    ).toEqual([true, 1]);
  });

  test("its cases may be used again", async () => {
    expect(
      await runFunction(`local ch = channel.new(2)
        local cases = { ch:case_receive() }
        ch:send(1) ch:send(2)
        return { channel.select(cases).value, channel.select(cases).value }`),
    ).toEqual([1, 2]);
  });

  test("what is no case raises", async () => {
    const error = await failure(runFunction("channel.select{ channel.new() }"));
    expect(error.message).toContain(
      "app:main:3: bad argument #1 to 'select' (element 1 is not a case",
    );
    expect((await failure(runFunction("channel.select(1)"))).message).toContain("table expected");
  });

  test("the result names the channel that compares equal", async () => {
    expect(
      await runFunction(`local a, b = channel.new(1), channel.new(1)
        b:send(1)
        local r = channel.select{ a:case_receive(), b:case_receive() }
        return { r.channel == b, r.channel == a }`),
    ).toEqual([true, false]);
  });
});

describe("deadlock", () => {
  const message = "deadlock: all coroutines blocked with no pending operations";

  test("an empty select that nothing can wake fails the unit", async () => {
    expect((await failure(runProcess("channel.select{}"))).message).toContain(message);
    expect((await failure(runFunction("channel.select{}"))).message).toContain(message);
  });

  test("also when the other coroutines end later", async () => {
    const body = `coroutine.spawn(function() time.sleep("1ms") end)
      channel.select{}`;
    expect((await failure(runProcess(body))).message).toContain(message);
  });

  test("an empty select with a default is not one", async () => {
    expect(await runProcess("return channel.select{ default = true }")).toEqual({
      default: true,
      ok: true,
    });
  });

  test("coroutines that wait on channels are idle, not deadlocked", async () => {
    const idle = 'return { main = function() channel.new():receive() return "never" end }';
    const body = `local pid = process.spawn_monitored("app:idle", "app:processes")
      local limit = time.after("20ms")
      local r = channel.select{ process.events():case_receive(), limit:case_receive() }
      return r.channel == limit`;
    expect(await runProcess(body, { processes: { idle } })).toBe(true);
  });
});
