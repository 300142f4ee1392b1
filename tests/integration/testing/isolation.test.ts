import { expect, test } from "bun:test";
import { runTestsOf } from "./run-tests.ts";

const entries = `version: "1.0"
namespace: app
entries:
  - { name: processes, kind: process.host, lifecycle: { auto_start: true } }
  - { name: durable, kind: workflow.host, lifecycle: { auto_start: true } }
  - { name: files, kind: fs.directory, directory: data, auto_init: true }
  - { name: db, kind: db.sql.sqlite, file: app.db, lifecycle: { auto_start: true } }
  - { name: cache, kind: store.memory, lifecycle: { auto_start: true } }
  - { name: kept, kind: store.sqlite, lifecycle: { auto_start: true } }
  - { name: driver, kind: queue.driver.memory, lifecycle: { auto_start: true } }
  - { name: tasks, kind: queue.queue, driver: app:driver }
  - { name: memory, kind: env.storage.memory }
  - { name: mood, kind: env.variable, variable: MOOD, storage: app:memory, default: calm }
  - { name: state, kind: library.lua, source: "return { count = 0 }" }
  - name: counter
    kind: function.lua
    source: |
      local state, own = require("state"), 0
      return { main = function() own, state.count = own + 1, state.count + 1 return own .. "," .. state.count end }
    method: main
    imports: { state: app:state }
    pool: { size: 1 }
  - name: waiter
    kind: process.lua
    source: |
      return { main = function()
        process.registry.register("waiter")
        process.inbox():receive()
      end }
    method: main
  - name: flow
    kind: workflow.lua
    source: |
      local time = require("time")
      return { main = function(name) time.sleep("1h") return name end }
    method: main
    modules: [time]
`;

/**
 * What a test sees of each place that could keep something, then what it leaves there: the more of them it sees as an
 * earlier test has left them, the less is it alone.
 */
const body = `
  local env, funcs, fs, json = require("env"), require("funcs"), require("fs"), require("json")
  local queue, registry, sql, store = require("queue"), require("registry"), require("sql"), require("store")
  local system, time, uuid = require("system"), require("time"), require("uuid")
  local text = function(...) return tostring((select(1, ...))) .. "/" .. tostring((select(2, ...))) end

  local files, db = assert(fs.get("app:files")), assert(sql.get("app:db"))
  local cache, kept = assert(store.get("app:cache")), assert(store.get("app:kept"))
  local tables = assert(db:query("SELECT name FROM sqlite_master"))
  local seen = {
    globals = tostring(rawget(_G, "left")) .. type(string.upper) .. tostring(("x").shout),
    upvalues = left_in_file,
    library = require("state").count,
    called = funcs.call("app:counter"),
    files = files:readfile("seen.txt") .. tostring(files:exists("new.txt")),
    tables = #tables,
    cache = text(cache:get("key")),
    kept = text(kept:get("key")),
    mood = env.get("MOOD"),
    waiter = text(process.registry.lookup("waiter")),
    mine = text(process.registry.lookup("mine")),
    entry = text(registry.get("app:added")),
    mocked = registry.get("app:counter").data.source:find("wippy.test", 1, true) or "no",
    version = registry.current_version():id(),
    lock = text(system.lock.acquire("door")),
    percent = system.gc.get_percent(),
    random = math.random(1, 1000000000),
    uuid = uuid.v4(),
    time = time.now():unix_nano(),
    pid = process.pid(),
    units = system.runtime.goroutines(),
    order = (function()
      local keys = {}
      for key in pairs({ a = 1, b = 2, c = 3, [{}] = 4, [print] = 5, d = 6 }) do
        keys[#keys + 1] = type(key) .. (type(key) == "string" and key or "")
      end
      return keys
    end)(),
    address = tostring({}):gsub("%x", "x"),
    waiting = (function()
      local took = time.now()
      time.sleep("1s")
      return time.now():sub(took):nanoseconds()
    end)(),
  }

  left, left_in_file = "left", "left"
  require("state").count = 7
  funcs.call("app:counter")
  files:writefile("seen.txt", "changed")
  files:writefile("new.txt", "new")
  assert(db:execute("CREATE TABLE left_behind (a INTEGER)"))
  cache:set("key", "left")
  kept:set("key", "left")
  env.set("MOOD", "left")
  process.registry.register("mine")
  assert(process.spawn("app:waiter", "app:processes"))
  assert(queue.publish("app:tasks", "left"))
  seen.run = text(process.with_options({ ["workflow.id"] = "same" }):spawn("app:flow", "app:durable", "a"))
  seen.ended = text(process.exec("app:flow", "app:durable", "b"))
  mock("app:counter", function() return "left" end)
  seen.mock = funcs.call("app:counter")
  local added = { id = "app:added", kind = "registry.entry", meta = {}, data = { left = true } }
  assert(registry.snapshot():changes():create(added):apply())
  system.gc.set_percent(150)
  coroutine.spawn(function() time.sleep("9999h") end)
  coroutine.spawn(function() local kept = {} for i = 1, 20000 do kept[i] = { "garbage " .. i } end end)
  time.sleep("5s")
  seen.after = { time.now():unix_nano(), math.random(1, 1000000000) }
  error(json.encode(seen), 0)
`;

const name = "src/m_test.lua";
const file = `local left_in_file = nil\n${
  ["a", "b", "c", "d"].map((name) => `it("${name}", function() ${body} end)\n`).join("")
}`;

/** Tests that leave their runtime in the middle of something. */
const careless = `
  it("takes memory", function()
    local all = {}
    for i = 1, 60 do all[i] = ("x"):rep(1000000) .. i end
  end)
  it("calls too deep", function() local function f() return 1 + f() end return f() end)
  it("stops in its coroutine", function()
    local co = coroutine.wrap(function() pcall(function() coroutine.yield() end) end)
    co()
    error({ [print] = co })
  end)
  it("ends with others running", function()
    for i = 1, 50 do coroutine.spawn(function() while true do require("time").sleep("1ms") end end) end
  end)
  it("crashes", function()
    crash.at_every_step(function() return process.exec("app:flow", "app:durable", "x") end)
  end)
`;

const endless = `it("never ends", function() while true do end end)`;

/** What each test of the file has seen, by its name. */
async function seenBy(files: Record<string, string>, ...flags: string[]) {
  const { lines, err } = await runTestsOf(
    { "src/_index.yaml": entries, "data/seen.txt": "as it was", [name]: file, ...files },
    ...flags,
  );
  expect(err).toBe("");
  return Object.fromEntries(
    lines.flatMap(({ file, path, failure }) =>
      file === name && path && failure ? [[path[0], JSON.parse(failure.message)]] : []
    ),
  ) as Record<string, unknown>;
}

test("a test sees nothing of others, and the same whatever ran before", async () => {
  const alone = await seenBy({}, "--filter", "d");
  expect(Object.keys(alone)).toEqual(["d"]);
  expect(alone["d"]).toMatchObject({
    globals: "nilfunctionnil",
    library: 0,
    called: "1,1",
    files: "as it wasfalse",
    tables: 0,
    cache: "nil/key not found: key",
    kept: "nil/key not found: key",
    mood: "calm",
    waiter: "nil/name not registered: waiter",
    mine: "nil/name not registered: mine",
    entry: "nil/entry not found: app:added",
    mocked: "no",
    version: 0,
    lock: "true/nil",
    percent: 100,
    units: 1,
    ended: "b/nil",
    mock: "left",
  });
  const { d } = alone;
  expect(await seenBy({}, "--jobs", "1")).toEqual({ a: d, b: d, c: d, d });
  const before = { "src/a_test.lua": careless };
  expect(await seenBy(before, "--jobs", "1")).toEqual({ a: d, b: d, c: d, d });
  expect(await seenBy({ "src/a_test.lua": careless + endless }, "--jobs", "2"))
    .toEqual({ a: d, b: d, c: d, d });
  const other = await seenBy({}, "--seed", "2");
  expect(other["a"]).toEqual(other["d"]);
  expect(other["d"]).not.toEqual(d);
}, 120_000);
