import { expect, test } from "bun:test";
import { runProcess } from "../application.ts";

test("a message has its topic, its sender and its payload, whatever it carries", async () => {
  expect(
    await runProcess(
      `local inbox, own = process.inbox(), process.pid()
      process.send(own, "none")
      process.send(own, "nil", nil)
      process.send(own, "false", false)
      process.send(own, "one", "x")
      process.send(own, "two", 1, "b")
      process.send(own, "json", (payload.new("x"):transcode(payload.format.JSON)))
      local log = {}
      for i = 1, 6 do
        local m = inbox:receive()
        local p = m:payload()
        local many = type(p) == "table"
        local first = many and p[1] or p
        local results = table.pack(m:topic(), m:from() == own, m:topic(1, 2) == m:topic(), select("#", m:payload()),
          type(p), many and #p or 0, first and first:get_format(), first and first:data(),
          first and select("#", first:data()), first and m:payload() ~= p,
          first and first:data() == nil)
        for j = 1, results.n do results[j] = tostring(results[j]) end
        log[i] = table.concat(results, " ")
      end
      return log`,
    ),
  ).toEqual([
    "none true true 1 nil 0 nil nil nil nil nil",
    "nil true true 1 userdata 0 lua/any nil 1 true true",
    "false true true 1 userdata 0 lua/any false 1 true false",
    "one true true 1 userdata 0 lua/any x 1 true false",
    "two true true 1 table 2 lua/any 1 1 true false",
    "json true true 1 userdata 0 lua/any nil 1 true true",
  ]);
});

test("methods of messages and payloads refuse another self", async () => {
  expect(
    await runProcess(
      `local inbox = process.inbox()
      process.send(process.pid(), "topic", 1)
      local m = inbox:receive()
      local p, log = m:payload(), {}
      for i, case in ipairs({
        { m.topic, {} }, { m.from, p }, { m.payload, nil }, { m.payload, "x" }, { p.data, m }, { p.unmarshal, {} },
      }) do
        local ok, err = pcall(function() local _ = case[1](case[2]) end)
        log[i] = tostring(ok) .. " " .. tostring(err):gsub("^.-:%d+: ", "")
      end
      return log`,
    ),
  ).toEqual([
    ...Array(4).fill("false bad self (process.Message expected; call it with ':')"),
    ...Array(2).fill("false bad self (payload expected; call it with ':')"),
  ]);
});
