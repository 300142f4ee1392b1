--- Module `io`: the terminal of a process on a terminal host. Elsewhere every function but `args`
-- answers Unavailable.
-- @workflows no
-- @sandbox yes
local runtime = ...
local check, effects = runtime.check, runtime.effects
local tostring = runtime.tostring

local io = {}

local function joined(separator, ...)
  local parts = table.pack(...)
  for index = 1, parts.n do
    parts[index] = tostring(parts[index])
  end
  return table.concat(parts, separator, 1, parts.n)
end

--- Writes values one after another, nothing between them and nothing behind.
function io.write(...)
  return effects.immediate("io.write", joined("", ...))
end

--- Writes a line: values with tabs between them.
function io.print(...)
  return effects.immediate("io.write", joined("\t", ...) .. "\n")
end

--- Writes a line to the standard error.
function io.eprint(...)
  return effects.immediate("io.write_error", joined("\t", ...) .. "\n")
end

--- One read of up to `n` bytes (default 1024) of the standard input.
function io.read(n)
  n = check.optional(check.integer, n, 1, "read")
  return effects.operation("io.read", (n and n > 0) and n or 1024)
end

--- The next line of the standard input, without its line end.
function io.readline()
  return effects.operation("io.readline")
end

--- Switches raw mode on (default) or off; counted, and reset when the process ends.
function io.raw(enable)
  enable = check.optional(check.boolean, enable, 1, "raw")
  return effects.operation("io.raw", enable ~= false)
end

--- Waits until everything written has left.
function io.flush()
  return effects.operation("io.flush")
end

--- The command's arguments; an empty table outside a terminal.
function io.args()
  return effects.immediate("io.args")
end

return io
