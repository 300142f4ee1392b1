-- `mock("ns:name", fn)`: replaces an entry of this runtime with a function of the test. The entry's new code sends each
-- call to the test, which runs `fn` and replies; callers need no change.
local process, registry = require("process"), require("registry")
local log = require("logger"):named("wippy.test.calls")

local mocks = {}

local topic <const>, name <const> = "wippy.test.call", "wippy.test"

-- The code that takes the place of an entry, a format of its id and its method.
local stub = require("stub")

-- Mocks by the id of their entry.
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

local begun, listening = false, false

-- Has entries and requests find this test. That takes time, so only a test does it that answers them.
local function listen()
  if listening then
    return
  end
  listening = true
  assert(process.registry.register(name))
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

-- Replaces the entry's code. A workflow cannot wait for a message of a test, so its replacement calls a function.
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

--- Replaces the entry `id` with `answer`, which runs in the test with the arguments of the call, and may return
--- `nil, err`, raise an error or sleep. Without `answer` the entry returns nil. Returns the mock, whose `calls` lists
--- the arguments of each call. Mocking an entry again replaces the answer and keeps the calls.
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
  listen()
  if not placed[id] then
    replace(id)
  end
  known[id] = { id = id, calls = earlier[id] or {}, answer = given }
  return known[id]
end

mocks.fake = {}

-- Fakes by URL prefix; the longest matching prefix is used.
local sites = {}

--- Responds to the HTTP requests whose URL begins with `prefix`: `answer(request)` gets `{method, url, headers, body}`
--- and returns `{status, headers, body}` or only the body. From then on, a request that matches no fake fails. Returns
--- the fake, whose `calls` lists the requests.
function mocks.fake.http(prefix, answer_with)
  if type(prefix) ~= "string" or not prefix:find("^https?://") then
    error("bad argument #1 to 'http' (the beginning of an address expected, such as \"https://api.example.com/\")", 2)
  elseif type(answer_with) ~= "function" then
    error("bad argument #2 to 'http' (function expected, got " .. type(answer_with) .. ")", 2)
  end
  if begun then
    listen()
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

--- Replaces a database of any kind with an empty SQLite database of this test.
function mocks.fake.sql(id)
  local entry = registry.get(id)
  if not entry or not entry.kind:find("^db%.sql%.") then
    local message = "cannot fake " .. tostring(id) .. ": it is not a db.sql.* entry"
    error(errors.new({ kind = errors.NOT_FOUND, message = message }), 0)
  end
  if placed[id] then
    return
  end
  local data = { file = id:gsub("[^%w]", "-") .. ".fake.db", lifecycle = { auto_start = true } }
  -- The kind of an entry cannot change, so the entry is deleted and created again under its id.
  assert(registry.snapshot():changes():delete(id):apply())
  local fake = { id = id, kind = "db.sql.sqlite", meta = entry.meta, data = data }
  assert(registry.snapshot():changes():create(fake):apply())
end

--- After a crash, `placed` has the ids of the mocks that are already in place, and `calls` their earlier calls, by id.
function mocks.begin(given)
  placed, earlier = given.placed or {}, given.calls or {}
  begun = true
  -- What was mocked before a crash may be called before the test has come to it again. A file may have made fakes
  -- while it was loaded, when nothing can wait.
  if given.mode == "resume" or #sites > 0 then
    listen()
  end
end

return mocks
