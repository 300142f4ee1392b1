-- The frames of a coroutine that stands: what they are called, what is visible in them, and code that runs in them.
local use = ...
local raw_tostring = use("kernel/core/stable").tostring
local compiler = use("kernel/core/compiler")
local errors = use("kernel/core/errors")
local variables = use("kernel/debug/variables")
local getinfo, getlocal, setlocal = debug.getinfo, debug.getlocal, debug.setlocal
local getupvalue, setupvalue = debug.getupvalue, debug.setupvalue

local frames = {}

local MOST_FRAMES <const>, MOST_LOCALS <const> = 1000, 250

local function is_of_kernel(info)
  return info.what == "C" or info.source:sub(1, 5) == "=lua/"
end

-- The name by which the kernel calls a function is nothing to the program.
local function name_of(info, caller)
  if info.what == "main" then
    return "chunk"
  elseif info.name and caller and not is_of_kernel(caller) then
    return info.name
  end
  return "function at line " .. info.linedefined
end

-- Adds the frames of one coroutine.
local function add(list, thread, self, co)
  for level = 0, MOST_FRAMES do
    local info = getinfo(co, level, "nSl")
    if not info or #list == MOST_FRAMES then
      return
    elseif not is_of_kernel(info) then
      local frame = { kind = "frame", thread = thread, unit = self, co = co, level = level }
      list[#list + 1] = {
        id = variables.keep(frame, frame),
        name = name_of(info, getinfo(co, level + 1, "S")),
        source = info.source,
        line = info.currentline,
      }
    end
  end
end

--- The frames of a coroutine that stands, innermost first; of a generator, then of the coroutine that the unit runs.
function frames.list(co, stop)
  local list = {}
  add(list, co, stop.unit, stop.inner)
  if stop.inner ~= co then
    add(list, co, stop.unit, co)
  end
  return list
end

--- The frame in which a coroutine stands.
function frames.innermost(self, co)
  local level = 0
  while is_of_kernel(getinfo(co, level, "S")) do
    level = level + 1
  end
  return { kind = "frame", unit = self, co = co, level = level }
end

--- A frame by its number; nil and an Error.
function frames.find(id)
  local frame = variables.kept(id)
  if not frame or frame.kind ~= "frame" then
    return nil, errors.fail("NotFound", "no frame that stands has the number " .. raw_tostring(id))
  end
  return frame
end

-- The number of the local variable of a name that is visible: the last one of several.
local function find_local(frame, name)
  local found
  for i = 1, MOST_LOCALS do
    local known = getlocal(frame.co, frame.level, i)
    if not known then
      return found
    elseif known == name then
      found = i
    end
  end
  return found
end

local function find_upvalue(fn, name)
  local i = 1
  while true do
    local known = getupvalue(fn, i)
    if not known then
      return nil
    elseif known == name then
      return i
    end
    i = i + 1
  end
end

-- The globals that the code of a frame sees.
local function globals_of(frame)
  local fn = getinfo(frame.co, frame.level, "f").func
  local i = find_upvalue(fn, "_ENV")
  if i then
    return select(2, getupvalue(fn, i))
  end
  local at = find_local(frame, "_ENV")
  if at then
    return select(2, getlocal(frame.co, frame.level, at))
  end
  local instance = frame.unit.instance
  return frame.unit.env or instance and instance.env or {}
end

-- The names that the code of a frame sees, as a table of globals: its locals, its upvalues, its globals.
local function environment(frame)
  local fn = getinfo(frame.co, frame.level, "f").func
  local globals = globals_of(frame)
  return setmetatable({}, {
    __index = function(_, name)
      local at = find_local(frame, name)
      if at then
        return select(2, getlocal(frame.co, frame.level, at))
      end
      at = find_upvalue(fn, name)
      if at then
        return select(2, getupvalue(fn, at))
      end
      return globals[name]
    end,
    __newindex = function(_, name, value)
      local at = find_local(frame, name)
      if at then
        setlocal(frame.co, frame.level, at, value)
        return
      end
      at = find_upvalue(fn, name)
      if at then
        setupvalue(fn, at, value)
      else
        globals[name] = value
      end
    end,
    __metatable = false,
  })
end

-- The first of the results of a function that was called protected, or the message of its error.
local function outcome(ok, value)
  if not ok then
    return false, errors.from_raised(value)._message
  end
  return true, value
end

--- Runs code in a frame: an expression, whose value is the answer, or statements. It may wait. Returns true and the
--- value, or false and a message.
function frames.evaluate(frame, code)
  local env = environment(frame)
  local chunk, message = compiler.chunk("return " .. code, "=expression", env)
  if not chunk then
    local statements = compiler.chunk(code, "=expression", env)
    if not statements then
      return false, message
    end
    chunk = statements
  end
  return outcome(pcall(chunk))
end

--- The scopes of a frame.
function frames.scopes(id)
  local frame, err = frames.find(id)
  if not frame then
    return nil, err
  end
  local fn = getinfo(frame.co, frame.level, "f").func
  local function scope(name, item)
    return { name = name, ref = variables.keep(frame, item) }
  end
  return {
    scope("Locals", { kind = "locals", co = frame.co, level = frame.level }),
    scope("Upvalues", { kind = "upvalues", fn = fn }),
    scope("Globals", { kind = "table", value = globals_of(frame) }),
  }
end

return frames
