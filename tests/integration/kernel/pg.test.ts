import { describe, expect, test } from "bun:test";
import { main, startApplication } from "../application.ts";

async function run(body: string, workers = 1): Promise<unknown> {
  const app = await startApplication({
    entries: { presence: { kind: "pg.scope" }, other: { kind: "pg.scope" } },
    processes: {
      idle: main("process.inbox():receive()"),
      member: {
        modules: ["pg"],
        source: `return { main = function(parent, groups)
          local g = assert(require("pg").open("app:presence"))
          assert(g:join(groups))
          local news = process.listen("news", { message = true })
          process.send(parent, "joined", process.pid())
          local m = news:receive()
          process.send(parent, "heard", m:from(), m:payload():data())
          process.inbox():receive()
        end }`,
      },
      main: {
        modules: ["pg", "time"],
        source: `local pg, time = require("pg"), require("time")
        local me = process.pid()
        local function event(sub) local e = sub:channel():receive() return e.kind .. " " .. e.path .. " " .. #e.data.PIDs end
        return { main = function() local g = assert(pg.open("app:presence")) ${body} end }`,
      },
    },
    functions: {
      start: 'return { main = function() return process.exec("app:main", "app:processes") end }',
    },
  }, { workers });
  return await app.call("start");
}

describe("pg", () => {
  test("join and leave, as often as joined", async () => {
    expect(
      await run(`g:join("a") g:join({ "a", "b", 5 }) local two = g:get_members("a")
        g:leave("a") local one = g:get_members("a") g:leave("a")
        local none, err = g:leave("a")
        return { #two, two[1] == me and two[2] == me, #one, #g:get_members("a"), g:which_groups(), none == nil, err:kind() }`),
    ).toEqual([2, true, 1, 0, ["b"], true, "Invalid"]);
  });

  test("scopes are apart, a group that nobody joined is empty", async () => {
    expect(
      await run(`g:join("a") local other = pg.open("app:other")
        return { #other:get_members("a"), #other:which_groups(), #g:get_local_members("a"), g:which_local_groups() }`),
    ).toEqual([0, 0, 1, ["a"]]);
  });

  test("a broadcast reaches each member as often as it joined, the sender included", async () => {
    expect(
      await run(`local joined, heard = process.listen("joined"), process.listen("heard")
        local a = process.spawn("app:member", "app:processes", me, "x") joined:receive()
        local b = process.spawn("app:member", "app:processes", me, { "x", "y" }) joined:receive()
        g:join({ "x", "x" })
        local news = process.listen("news")
        assert(g:broadcast("x", "news", { t = 1 }))
        local one, two = news:receive(), news:receive()
        local m1, m2 = heard:receive(), heard:receive()
        assert(g:broadcast("nobody", "news", 1))
        return { one.t, two.t, one ~= two, m1[1] == me, m2[2].t, g:get_members("x")[1] == a }`),
    ).toEqual([1, 1, true, true, 1, true]);
  });

  test("who ends leaves all its groups: one event for each, with its PID as often as it joined", async () => {
    expect(
      await run(`local sub, present = g:monitor("x")
        local all, groups = g:events()
        local joined = process.listen("joined")
        local pid = process.spawn("app:member", "app:processes", me, { "x", "y", "x" }) joined:receive()
        local list = { #present, next(groups) == nil, event(sub), event(sub) }
        for _ = 1, 3 do list[#list + 1] = event(all) end
        process.terminate(pid)
        list[#list + 1] = event(sub)
        local left = { event(all), event(all) } table.sort(left)
        list[#list + 1] = table.concat(left, ", ")
        list[#list + 1] = #g:which_groups()
        return list`),
    ).toEqual([
      0,
      true,
      "member.joined x 1",
      "member.joined x 1",
      "member.joined x 1",
      "member.joined y 1",
      "member.joined x 1",
      "member.left x 2",
      "member.left x 2, member.left y 1",
      0,
    ]);
  });

  test("the snapshot holds who was there, also of events()", async () => {
    expect(
      await run(`g:join({ "a", "b" }) local _, members = g:monitor("a") local _, all = g:events()
        return { #members, #all.a, #all.b }`),
    ).toEqual([1, 1, 1]);
  });

  test("a closed subscription gets no more; flush drops what was not read", async () => {
    expect(
      await run(`local a, b = g:monitor("a"), g:monitor("a") g:join("a") time.sleep("5ms")
        a:close() b:close({ flush = true }) b:close() g:join("a") time.sleep("5ms")
        local _, read = a:channel():receive() local _, more = a:channel():receive()
        local _, flushed = b:channel():receive()
        return { read, more, flushed }`),
    ).toEqual([true, false, false]);
  });

  test.each([
    ["pg.open('')", "Invalid: pg scope id is required"],
    ["pg.open('app:nothing')", "Internal: pg scope not found: app:nothing"],
    ["pg.open('app:processes')", "Invalid: app:processes is a process.host, not a pg.scope"],
    ["g:join('')", "Invalid: a group name or a list of group names is required"],
    ["g:join({ 1, {} })", "Invalid: a group name or a list of group names is required"],
    ["g:get_members('')", "Invalid: group name is required"],
    ["g:broadcast('a')", "Invalid: topic is required"],
    ["g:broadcast('a', '@x')", "Invalid: cannot send to @ topics"],
    ["g:release() and g:join('a')", "Invalid: pg instance is released"],
    ["g:leave('never')", /Invalid: \{.*\} is not a member of never/],
  ])("%s: %s", async (call, message) => {
    const text = await run(`local v, e = (function() return ${call.replace(" and ", ", ")} end)()
      if v == true then v, e = ${call.split(" and ").at(-1)} end
      return e:kind() .. ": " .. e:message()`);
    expect(text).toMatch(message);
  });

  test("monitor and events tell their error third", async () => {
    expect(
      await run(`g:release() local a, b, e = g:monitor("x") local c, d, f = g:events()
        return { a == nil, b == nil, e:kind(), c == nil, d == nil, f:kind() }`),
    ).toEqual([true, true, "Invalid", true, true, "Invalid"]);
  });

  test("members on two workers", async () => {
    expect(
      await run(
        `local joined, heard = process.listen("joined"), process.listen("heard")
        local workers, members = {}, 0
        -- A worker that is busy or unheard of gets a whole block of processes, or none.
        repeat
          for _ = 1, 80 do process.spawn("app:idle", "app:processes") end time.sleep("300ms")
          for _ = 1, 120 do process.spawn("app:member", "app:processes", me, "x") end
          for _ = 1, 120 do workers[tonumber(joined:receive():match("0x(%x+)"), 16) & 63] = true end
          members = members + 120
        until (workers[0] and workers[1]) or members == 1200
        g:broadcast("x", "news", "hello")
        for _ = 1, members do heard:receive() end
        for _, pid in ipairs(g:get_members("x")) do process.send(pid, "end") end
        for _ = 1, 400 do
          if #g:get_members("x") == 0 then break end
          time.sleep("25ms")
        end
        return { workers[0], workers[1], #g:get_members("x") }`,
        2,
      ),
    ).toEqual([true, true, 0]);
  });
});
