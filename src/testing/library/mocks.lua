-- `mock("ns:name", fn)`: puts a function of the test in the place of an entry, in this runtime. The entry's new code
-- asks the test, which runs `fn` and answers; who calls the entry notices nothing.
local process, registry = require("process"), require("registry")
local log = require("logger"):named("wippy.test.calls")

local mocks = {}

local topic <const>, name <const> = "wippy.test.call", "wippy.test"

-- What stands in the place of the entry. After a crash it may run before the test does: it waits for the test.
local stub = [[
local process, time = require("process"), require("time")
local function main(...)
  local answers = process.listen("wippy.test.answer")
  while not process.registry.lookup("wippy.test") do time.sleep("1ms") end
  local call = { id = %q, from = process.pid(), count = select("#", ...), args = { ... } }
  local sent, err = process.send("wippy.test", "wippy.test.call", call)
  if not sent then return nil, err end
  local answer = answers:receive()
  if answer.raised ~= nil then error(answer.raised) end
  return answer.value, answer.err
end
return { %s = main }
]]

-- What was mocked, by id.
local known = {}
local placed, earlier = {}, {}

local function answer(call)
  local of = known[call.id]
  of.calls[#of.calls + 1] = call.args
  log:info(call.id, { args = call.args })
  local ok, value, err = pcall(of.answer, table.unpack(call.args, 1, call.count))
  local result = ok and { value = value, err = err } or { raised = value }
  process.send(call.from, "wippy.test.answer", result)
end

local function listen()
  local calls = process.listen(topic)
  coroutine.spawn(function()
    while true do
      local call, open = calls:receive()
      if not open then
        return
      end
      coroutine.spawn(function()
        answer(call)
      end)
    end
  end)
end

local mockable = { ["function.lua"] = true, ["workflow.lua"] = true, ["process.lua"] = true }

-- The code that the entry has while it is mocked. A workflow may not wait for a message of a test: it calls a function.
local function replace(id)
  local entry = registry.get(id)
  if not entry or not mockable[entry.kind] then
    error(
      errors.new({
        kind = errors.NOT_FOUND,
        message = entry and id .. " is a " .. entry.kind .. "; mock a function, a process or a workflow"
          or "cannot mock " .. id .. ": the application has no such entry",
      }),
      0
    )
  end
  local changes = registry.snapshot():changes()
  local data = { source = stub:format(id, entry.data.method or "main"), method = entry.data.method or "main" }
  data.modules, data.pool = { "process", "time" }, entry.data.pool
  if entry.kind == "workflow.lua" then
    local inner = "wippy.test:mock." .. id:gsub(":", ".")
    changes:create({ id = inner, kind = "function.lua", meta = {}, data = data })
    data = { modules = { "funcs" }, method = data.method }
    data.source = ('return { %s = function(...) return require("funcs").call(%q, ...) end }'):format(data.method, inner)
  end
  entry.data = data
  assert(changes:update(entry):apply())
end

--- Puts `answer` in the place of the entry `id`. It runs in the test, with the arguments of the call, and may return
--- `nil, err`, raise, sleep, or be left out: then the entry returns nil. Returns the mock, whose `calls` has the list
--- of arguments of each call. Mocking again replaces the answer and keeps the calls.
function mocks.mock(id, answer_with)
  if type(id) ~= "string" or not id:find(":", 1, true) then
    error("bad argument #1 to 'mock' (the id of an entry expected, such as \"app:charge\")", 2)
  elseif answer_with ~= nil and type(answer_with) ~= "function" then
    error("bad argument #2 to 'mock' (function expected, got " .. type(answer_with) .. ")", 2)
  end
  local present = known[id]
  local given = answer_with or function() end
  if present then
    present.answer = given
    return present
  end
  if not placed[id] then
    replace(id)
  end
  known[id] = { id = id, calls = earlier[id] or {}, answer = given }
  return known[id]
end

mocks.fake = {}

-- Answers by the beginning of the address; the longest that fits decides.
local sites = {}

--- Answers the HTTP requests whose address begins with `prefix`: `answer(request)` gets `{method, url, headers, body}`
--- and returns `{status, headers, body}` or the body alone. From then on a request that no fake answers fails. Returns
--- the fake, whose `calls` has the requests.
function mocks.fake.http(prefix, answer_with)
  if type(prefix) ~= "string" or not prefix:find("^https?://") then
    error("bad argument #1 to 'http' (the beginning of an address expected, such as \"https://api.example.com/\")", 2)
  elseif type(answer_with) ~= "function" then
    error("bad argument #2 to 'http' (function expected, got " .. type(answer_with) .. ")", 2)
  end
  local site = { id = prefix, calls = {}, answer = answer_with }
  sites[#sites + 1] = site
  table.sort(sites, function(one, other)
    return #one.id > #other.id
  end)
  return site
end

known["wippy.test:http"] = {
  calls = {},
  answer = function(request)
    if #sites == 0 then
      return false
    end
    for _, site in ipairs(sites) do
      if request.url:sub(1, #site.id) == site.id then
        site.calls[#site.calls + 1] = { request }
        local response = site.answer(request)
        return type(response) == "table" and response or { status = 200, body = response or "" }
      end
    end
    error("no fake answers " .. request.method .. " " .. request.url .. "; add fake.http for it")
  end,
}

--- Replaces a database, of whichever kind, by an empty SQLite database of this test.
function mocks.fake.sql(id)
  local entry = registry.get(id)
  if not entry or not entry.kind:find("^db%.sql%.") then
    local message = "cannot fake " .. tostring(id) .. ": it is no db.sql.* entry"
    error(errors.new({ kind = errors.NOT_FOUND, message = message }), 0)
  end
  if placed[id] then
    return
  end
  local data = { file = id:gsub("[^%w]", "-") .. ".fake.db", lifecycle = { auto_start = true } }
  -- An entry keeps its kind: it goes, and another one comes under its id.
  assert(registry.snapshot():changes():delete(id):apply())
  local fake = { id = id, kind = "db.sql.sqlite", meta = entry.meta, data = data }
  assert(registry.snapshot():changes():create(fake):apply())
end

--- Makes the test known to the entries that it mocks. After a crash `placed` has the ids of those that are in their
--- places already, and `calls` the calls of before, by id.
function mocks.begin(given)
  placed, earlier = given.placed or {}, given.calls or {}
  assert(process.registry.register(name))
  listen()
end

return mocks
