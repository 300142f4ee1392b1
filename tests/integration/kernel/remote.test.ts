import { expect, test } from "bun:test";
import { main, startApplication } from "../application.ts";

/** Worker of a PID, from its low six bits. */
const worker = `local function worker(pid) return tonumber(pid:match("|0x(%x+)}"), 16) & 63 end
`;

/** Spawns until one lives on another worker than this process; the others end. */
const elsewhere = `${worker}
  local here = worker(process.pid())
  local function elsewhere(...)
    for _ = 1, 2000 do
      local pid = assert(process.spawn(...))
      if worker(pid) ~= here then return pid end
      time.sleep("1ms")
    end
    error("no second worker")
  end
  for _ = 1, 40 do process.spawn("app:idle", "app:processes") end
  local events = process.events()
`;

const processes = {
  waits: main(
    `local parent = ... time.sleep("20ms") process.send(parent, "up") process.inbox():receive()`,
  ),
  idle: main("process.inbox():receive()"),
  keeps: main(`local count, parent = ...
    local inbox, list = process.inbox(), {}
    for i = 1, count do list[i] = inbox:receive():payload():data() end
    process.send(parent, "list", list)`),
  fails: main(`error(errors.new{ message = "at once", kind = errors.CONFLICT })`),
  moody: `local here = tonumber(process.pid():match("|0x(%x+)}"), 16) & 63
    if here ~= 0 then error("not on this worker") end
    return { main = function() process.inbox():receive() end }`,
};

async function runOnTwo(body: string): Promise<unknown> {
  const application = await startApplication({
    functions: {
      start: 'return { main = function() return process.exec("app:main", "app:processes") end }',
      // A call stays on its caller's worker.
      "spawns-and-fails": main(`local parent = ...
        coroutine.spawn(function() process.spawn_linked("app:waits", "app:processes", parent) end)
        error("failed meanwhile")`),
    },
    processes: { ...processes, main: main(elsewhere + body) },
  }, { workers: 2 });
  return await application.call("start");
}

test("messages to another worker keep their order, answered or not", async () => {
  const list = await runOnTwo(`local reply = process.listen("list")
    local pid = elsewhere("app:keeps", "app:processes", 2000, process.pid())
    for i = 1, 2000 do assert(process.send(pid, "n", i)) end
    return reply:receive()`);
  expect(list).toEqual(Array.from({ length: 2000 }, (_, index) => index + 1));
});

test("messages to another worker keep their metatables", async () => {
  const found = await runOnTwo(`local reply = process.listen("list")
    local pid = elsewhere("app:keeps", "app:processes", 3, process.pid())
    local class = { kind = "class", method = print }
    class.__index = class
    process.send(pid, "n", { setmetatable({}, class), setmetatable({}, class) })
    -- Of these, JavaScript packs and unpacks a part.
    process.send(pid, "n", { setmetatable({ errors.new("e") }, class), [{ 1 }] = setmetatable({}, class) })
    process.send(pid, "n", setmetatable({}, setmetatable({ __index = { x = 1 } }, { __index = { y = 2 } })))
    local list = reply:receive()
    local plain, mixed, chain = list[1], list[2], list[3]
    local of_key
    for key, value in pairs(mixed) do of_key = type(key) == "table" and value.kind or of_key end
    return { plain[1].kind, plain[1].method == nil, getmetatable(plain[1]) == getmetatable(plain[2]),
      mixed[1].kind, of_key, chain.x, getmetatable(chain).y }`);
  expect(found).toEqual(["class", true, true, "class", "class", 1, 2]);
});

test("after its EXIT nobody can be sent to", async () => {
  const answers = await runOnTwo(`local kinds = {}
    for i = 1, 200 do
      local pid = elsewhere("app:idle", "app:processes")
      assert(process.monitor(pid))
      assert(process.send(pid, "end"))
      events:receive()
      local ok, err = process.send(pid, "late")
      kinds[i] = ok and "sent" or err:kind()
    end
    return kinds`);
  expect(new Set(answers as string[])).toEqual(new Set(["NotFound"]));
});

test("a PID of another worker that nobody had yet is not found", async () => {
  expect(
    await runOnTwo(`local pid = elsewhere("app:idle", "app:processes")
      -- Behind the eight random digits is the number.
      local far = pid:gsub("(0x" .. ("%x"):rep(8) .. ")(%x+)", function(random, x)
        return random .. ("%05x"):format(tonumber(x, 16) + 64 * 100000)
      end)
      local _, err = process.send(far, "hello")
      return err:kind()`),
  ).toBe("NotFound");
});

test("of many children on both workers each is reported once", async () => {
  expect(
    await runOnTwo(`elsewhere("app:idle", "app:processes")
      local kinds, seen, away = {}, {}, 0
      local count = 1500
      for _ = 1, count do
        local pid = assert(process.spawn_monitored("app:fails", "app:processes"))
        if worker(pid) ~= here then away = away + 1 end
        seen[pid] = 0
      end
      for _ = 1, count do
        local e = events:receive()
        seen[e.from] = seen[e.from] + 1
        kinds[e.result.error:kind()] = (kinds[e.result.error:kind()] or 0) + 1
      end
      for _, times in pairs(seen) do if times ~= 1 then return times end end
      return { kinds.Conflict == count, away > 100 }`),
  ).toEqual([true, true]);
});

test("a process that cannot be made on the other worker, where it need not be awaited, has ended at once", async () => {
  expect(
    await runOnTwo(`elsewhere("app:idle", "app:processes")
      local messages = {}
      for _ = 1, 400 do
        local pid, err = process.spawn_monitored("app:moody", "app:processes")
        if not pid then
          messages[err:message():match("not on this worker")] = true
        elseif worker(pid) ~= here then
          local e = events:receive()
          messages[e.result.error:message():match("not on this worker")] = e.from == pid
        end
      end
      return messages["not on this worker"]`),
  ).toBe(true);
});

test("a spawner that fails while another worker spawns its linked child takes the child down", async () => {
  expect(
    await runOnTwo(`elsewhere("app:idle", "app:processes")
      local up = process.listen("up")
      local _, err = funcs.call("app:spawns-and-fails", process.pid())
      local late = time.after("150ms")
      local r = channel.select{ up:case_receive(), late:case_receive() }
      return { err:message():match("failed meanwhile"), r.channel == late }`),
  ).toEqual(["failed meanwhile", true]);
});
