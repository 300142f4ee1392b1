-- Calls one function of the runtime where its unit has hardly any memory, or hardly any stack, left. `fail(n)` (of the
-- harness) lets every allocation of this unit fail after `n` more; -1: none.
local function nothing() end

-- Makes what a case needs beforehand, and returns the call: name -> function(neighbour) -> function.
local prepared = {
  ["channel:send"] = function()
    local ch = channel.new(1000)
    return function()
      return ch:send(1)
    end
  end,
  ["channel:receive"] = function()
    local ch = channel.new(1)
    ch:send(1)
    return function()
      return ch:receive()
    end
  end,
  ["channel:receive (waiting)"] = function()
    local ch = channel.new(1)
    return function()
      return ch:receive()
    end
  end,
  ["channel:send (to one that waits)"] = function()
    local ch = channel.new()
    coroutine.spawn(function()
      ch:receive()
    end)
    return function()
      return ch:send({})
    end
  end,
  ["channel:send (to a select)"] = function()
    local ch, other = channel.new(), channel.new()
    coroutine.spawn(function()
      channel.select({ ch:case_receive(), other:case_receive() })
    end)
    return function()
      return ch:send({})
    end
  end,
  ["channel:close"] = function()
    local ch = channel.new()
    coroutine.spawn(function()
      ch:receive()
    end)
    return function()
      return ch:close()
    end
  end,
  ["channel.select"] = function()
    local ch, inbox = channel.new(), process.inbox()
    return function()
      return channel.select({ ch:case_receive(), inbox:case_receive(), ch:case_send(1) })
    end
  end,
  ["channel.select (default)"] = function()
    local ch = channel.new()
    return function()
      return channel.select({ ch:case_receive(), default = true })
    end
  end,
  ["process.send (text)"] = function(neighbour)
    return function()
      return process.send(neighbour, "noise", "text")
    end
  end,
  ["process.send (no value)"] = function(neighbour)
    return function()
      return process.send(neighbour, "noise")
    end
  end,
  ["process.send (table)"] = function(neighbour)
    local value = { 1, { 2, { 3 } }, a = { b = {} } }
    return function()
      return process.send(neighbour, "noise", value, value)
    end
  end,
  ["process.spawn"] = function()
    return function()
      return process.spawn("fuzz:nop", "fuzz:processes", 1, 2, 3)
    end
  end,
  ["process.spawn (a second time)"] = function()
    process.spawn("fuzz:nop", "fuzz:processes")
    return function()
      return process.spawn("fuzz:nop", "fuzz:processes")
    end
  end,
  ["process.spawn_linked_monitored"] = function()
    process.set_options({ trap_links = true })
    return function()
      return process.spawn_linked_monitored("fuzz:nop", "fuzz:processes", {})
    end
  end,
  ["process.with_context"] = function()
    return function()
      local builder = process.with_context({ a = { 1 } }):with_message("t", 1, 2)
      return builder:spawn("fuzz:nop", "fuzz:processes")
    end
  end,
  ["process.exec"] = function()
    return function()
      return process.exec("fuzz:ends", "fuzz:processes")
    end
  end,
  ["process.monitor"] = function(neighbour)
    return function()
      process.monitor(neighbour)
      process.monitor(neighbour, { topic = "ends" })
      process.unmonitor(neighbour)
      process.link(neighbour)
      return process.unlink(neighbour)
    end
  end,
  ["process.cancel"] = function(neighbour)
    return function()
      return process.cancel(neighbour, "fuzz")
    end
  end,
  ["process.terminate"] = function()
    local pid = process.spawn("fuzz:nop", "fuzz:processes")
    return function()
      return process.terminate(pid)
    end
  end,
  ["process.terminate (itself)"] = function()
    return function()
      return process.terminate(process.pid())
    end
  end,
  ["process.upgrade"] = function()
    return function()
      return process.upgrade("fuzz:nop", {})
    end
  end,
  ["process.listen"] = function()
    process.send(process.pid(), "topic", 1)
    return function()
      return process.unlisten(process.listen("topic"))
    end
  end,
  ["process.alias"] = function()
    return function()
      return process.unalias(process.alias())
    end
  end,
  subscribe = function()
    local ch = channel.new(1)
    return function()
      subscribe("topic", ch)
      return unsubscribe(ch)
    end
  end,
  ["coroutine.spawn"] = function()
    return function()
      return coroutine.spawn(nothing)
    end
  end,
  ["funcs.call"] = function()
    local funcs = require("funcs")
    return function()
      return funcs.call("fuzz:double", 1, {})
    end
  end,
  ["funcs.async"] = function()
    local funcs = require("funcs")
    return function()
      return funcs.async("fuzz:double", 1):response():receive()
    end
  end,
  ["funcs with options"] = function()
    local funcs = require("funcs")
    local executor = funcs.new():with_options({ timeout = "1s", retry = { max_attempts = 2 } })
    return function()
      return executor:call("fuzz:double", 1)
    end
  end,
  ["time.sleep"] = function()
    local time = require("time")
    return function()
      return time.sleep("1ms")
    end
  end,
  ["time.after"] = function()
    local time = require("time")
    return function()
      return time.after("1ms"):receive()
    end
  end,
  ["time.timer"] = function()
    local time = require("time")
    return function()
      local timer = time.timer("1h")
      timer:reset("2h")
      return timer:stop()
    end
  end,
  ["time.ticker"] = function()
    local time = require("time")
    return function()
      local ticker = time.ticker("1ms")
      ticker:response():receive()
      return ticker:stop()
    end
  end,
  print = function()
    return function()
      return print("fuzz", {}, 1)
    end
  end,
  ["errors.new"] = function()
    return function()
      return errors.wrap(errors.new({ message = "m", details = { 1 } }), "context"):stack()
    end
  end,
}

-- Arguments with which the functions of modules are called that have no case of their own.
local arguments = {
  {},
  { "text" },
  { 5 },
  { {} },
  { "fuzz:nop", "fuzz:processes" },
  { "1s", "text", {} },
}
-- They would end a neighbour, or not this unit's work but that of the harness.
local left_out = { ["process.terminate"] = true, ["system.exit"] = true }

local function cases()
  local names = {}
  for name in pairs(prepared) do
    names[#names + 1] = name
  end
  local function walk(path, value, depth)
    for key, inner in pairs(value) do
      local name = path .. "." .. tostring(key)
      if type(inner) == "function" and not left_out[name] then
        for i in ipairs(arguments) do
          local call = name .. " " .. i
          names[#names + 1] = call
          prepared[call] = function()
            return function()
              return inner(table.unpack(arguments[i]))
            end
          end
        end
      elseif type(inner) == "table" and depth < 2 then
        walk(name, inner, depth + 1)
      end
    end
  end
  walk("process", process, 0)
  walk("errors", errors, 0)
  walk("payload", payload, 0)
  walk("os", os, 0)
  for name in MODULES:gmatch("%S+") do
    walk(name, require(name), 0)
  end
  table.sort(names)
  return names
end

-- Levels before the end of the stack at which a case is called: the kernel wants room for 10,000 values, so that the
-- call is refused at the last of them, and done at the first.
local LEVELS <const> = 3000
-- The last levels are all tried: there a function of the kernel would end in its middle, were it let in.
local LAST <const> = 40

-- Calls `call` at every `stride`th of the deepest levels that the stack has, and at each of the last ones.
local function at_every_depth(call, stride)
  local first, deepest = math.maxinteger, 0
  local function down(level)
    deepest = level
    if level >= first and ((level - first) % stride == 0 or level > first + LEVELS - LAST) then
      pcall(call)
    end
    local result = down(level + 1)
    return result
  end
  pcall(down, 1)
  first = deepest - LEVELS
  pcall(down, 1)
end

-- The same for calls from C into Lua, of which about 200 fit into each other: calls `call` inside of each number of them.
local function in_c_calls(call)
  local function down(level)
    if level == 0 then
      return call()
    end
    table.sort({ 1, 2 }, function(a, b)
      down(level - 1)
      return a < b
    end)
  end
  for level = 100, 200 do
    pcall(down, level)
  end
end

-- Whether a call raised or returned that there is no memory.
local function short_of_memory(ok, first, second)
  local err = ok and second or not ok and first
  return err and tostring(err):find("not enough memory", 1, true) ~= nil
end

-- Each returns whether the call was refused.
local modes = {
  allocations = function(call, n)
    fail(n)
    local ok, first, second = pcall(call)
    fail(-1)
    return short_of_memory(ok, first, second)
  end,
  depth = function(call, n)
    at_every_depth(call, n)
  end,
  levels = function(call)
    in_c_calls(call)
  end,
}

return {
  main = function(mode, name, neighbour, n)
    local names = cases()
    if mode == "names" then
      for _, known in ipairs(names) do
        print("case " .. known)
      end
      return
    end
    local pid = process.pid()
    local refused = modes[mode](prepared[name](neighbour), n)
    if process.pid() ~= pid then
      print("wrong: another identity: " .. pid .. " became " .. process.pid())
    end
    if refused then
      print("refused")
    end
  end,
}
