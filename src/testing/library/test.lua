-- The globals of a test file, and the code that runs its tests. For each test, the file runs in a new runtime.
local expect, mocks, values = require("expect"), require("mocks"), require("values")
local process, requests, time = require("process"), require("requests"), require("time")

local test = { expect = expect, mock = mocks.mock, fake = mocks.fake, request = requests }

local function suite(name, parent)
  return { name = name, parent = parent, before = {}, after = {} }
end

local root = suite("")
local current = root
-- Tests in the order of their definition: {name, suite, body}; no body: it is pending.
local tests = {}

-- While a test runs nothing can be defined any more: it would never run.
local running = false

local function need(kind, value, number, called)
  if running then
    error(called .. "() in a test has no effect; call it at the top level of the file, or in describe()", 3)
  end
  if type(value) ~= kind then
    local wrong = kind .. " expected, got " .. type(value)
    error("bad argument #" .. number .. " to '" .. called .. "' (" .. wrong .. ")", 3)
  end
  return value
end

--- A group of tests, which may hold groups.
function test.describe(name, body)
  need("string", name, 1, "describe")
  need("function", body, 2, "describe")
  local outer = current
  current = suite(name, outer)
  body()
  current = outer
end

--- A test; without a body it is pending: shown, and not run.
function test.it(name, body)
  need("string", name, 1, "it")
  if body ~= nil then
    need("function", body, 2, "it")
  end
  tests[#tests + 1] = { name = name, suite = current, body = body }
end

local function hook(when)
  return function(body)
    table.insert(current[when], need("function", body, 1, when))
  end
end

--- Runs before each test of the group and of the groups in it, those of the outer group first.
test.before = hook("before")
--- Runs after each test of the group, whether it passed or not, those of the inner group first.
test.after = hook("after")

-- The virtual clock.
local clock = {}

--- Advances virtual time by `"72h"`, or a number of nanoseconds; timers that are due fire.
function clock.advance(self, duration)
  if self ~= clock then
    duration = self
  end
  local length, err = time.parse_duration(duration)
  if length and length:nanoseconds() < 0 then
    err = "the clock cannot go back by " .. tostring(duration)
  end
  if err then
    error(tostring(err), 2)
  end
  return time.sleep(length)
end

--- The virtual time, as `time.now` returns it.
function clock.now()
  return time.now()
end

test.clock = clock

-- How this runtime runs the test: "run" from its beginning; "resume" after a crash, with the workflows in the journal.
local mode = "run"
local crash = { used = false, result = nil }

--- Runs workflows, then repeats the test once for each of their steps, with a crash of the runtime there. `body` starts
--- the workflows and waits for them. It is called at the start of each repetition, but not after the crash, when the
--- workflows continue on their own. Their outcomes must be the same as without a crash. Returns what `body` returned
--- without one.
function crash.at_every_step(body)
  if type(body) ~= "function" then
    error("bad argument #1 to 'at_every_step' (function expected, got " .. type(body) .. ")", 2)
  end
  if crash.used then
    error("crash.at_every_step can be used once in a test", 2)
  end
  crash.used = true
  if mode == "resume" then
    process.listen("wippy.test.done"):receive()
    return crash.result
  end
  crash.result = body()
  return crash.result
end

test.crash = { at_every_step = crash.at_every_step }

-- Names from the outermost group to the test.
local function path_of(case)
  local path, group = { case.name }, case.suite
  while group.parent do
    table.insert(path, 1, group.name)
    group = group.parent
  end
  return path
end

-- Functions of the table that the file returned are tests too, in the order of their names.
local function add_functions(returned)
  if type(returned) ~= "table" then
    return
  end
  local names = {}
  for name, value in pairs(returned) do
    if type(name) == "string" and type(value) == "function" then
      names[#names + 1] = name
    end
  end
  table.sort(names)
  for _, name in ipairs(names) do
    tests[#tests + 1] = { name = name, suite = root, body = returned[name] }
  end
end

-- The calls that led to a failure, without those of this library.
local function own_frames(stack)
  local lines = {}
  for line in stack:gmatch("[^\n]+") do
    if not line:find("^%s*wippy%.test:") then
      lines[#lines + 1] = line
    end
  end
  return table.concat(lines, "\n")
end

-- The failure of a test, as reporters show it.
local function failure_of(cause)
  if values.error_text(cause) == nil then
    local message = cause == nil and "nil was raised" or values.text(cause)
    return { message = message, stack = own_frames(errors.new(""):stack()) }
  end
  local details = cause:details() or {}
  local stack = cause:stack()
  local expected = errors.is(cause, "Expectation")
  return {
    message = expected and cause:message() or values.error_text(cause),
    stack = own_frames(stack ~= "" and stack or errors.new(""):stack()),
    expected = expected and details.expected or nil,
    actual = expected and details.actual or nil,
  }
end

-- Calls a function of the test. Returns nil, or the failure. Returning nil and an error is a failure.
local function attempt(body)
  local ok, value, err = xpcall(body, failure_of)
  if not ok then
    if type(value) == "table" then
      return value
    end
    -- There was no room for `failure_of`.
    local message = value == "error in error handling" and "stack overflow" or values.text(value)
    return { message = message }
  elseif value == nil and err ~= nil then
    return failure_of(err)
  end
  return nil
end

local function groups_of(case)
  local groups, group = {}, case.suite
  while group do
    table.insert(groups, 1, group)
    group = group.parent
  end
  return groups
end

local function run(case)
  local groups, failure = groups_of(case), nil
  for _, group in ipairs(groups) do
    for _, body in ipairs(group.before) do
      failure = failure or attempt(body)
    end
  end
  failure = failure or attempt(case.body)
  for index = #groups, 1, -1 do
    for _, body in ipairs(groups[index].after) do
      local later = attempt(body)
      failure = failure or later
    end
  end
  return failure
end

--- Called by the harness with a function that loads the test's file. Without `given.index` it returns the tests of the
--- file in order; with it, the outcome of that test.
function test.main(load, given)
  mode = given.mode or "run"
  mocks.begin(given)
  crash.result = given.result
  add_functions(load())
  if not given.index then
    local list = {}
    for index, case in ipairs(tests) do
      list[index] = { path = path_of(case), pending = case.body == nil }
    end
    return { tests = list }
  end
  running = true
  local failure = run(tests[given.index])
  return { failure = failure, crashes = crash.used, result = crash.result }
end

return test
