-- Lua's own `io` for scripts. A workflow has it too, but only to be told what it cannot do.
local use = ...
local effects = use("kernel/core/effects")
local files = use("standard/files")
local outcome = use("standard/outcome")
local reading = use("standard/reading")
local scheduler = use("kernel/core/scheduler")
local tostring = use("kernel/core/stable").tostring
local iterator, is_file, make, open, open_state =
  files.iterator, files.is, files.make, files.open, files.open_state
local more_lines, read_formats = reading.more_lines, reading.formats
local write_values = files.write

local function refuse_in_workflow(name)
  local current = scheduler.current
  if current and current.context.kind == "workflow" then
    error("'" .. name .. "' cannot be used in a workflow; call a function that does it", 3)
  end
end

local function text_of_path(name, n, fn)
  if type(name) == "number" then
    return tostring(name)
  elseif type(name) ~= "string" then
    local got = name == nil and "no value" or host.type(name)
    error("bad argument #" .. n .. " to '" .. fn .. "' (string expected, got " .. got .. ")", 3)
  end
  return name
end

--- The library `io` of one unit.
return function()
  local io = {
    stdin = make("input"),
    stdout = make("output", 1),
    stderr = make("output", 2),
  }
  local input, output = io.stdin, io.stdout
  local input_state = files.state(input)

  function io.open(name, mode)
    refuse_in_workflow("io.open")
    name = text_of_path(name, 1, "open")
    mode = mode or "r"
    local plain = type(mode) == "string" and mode:match("^([rwa]%+?)b?$")
    if not plain then
      error("bad argument #2 to 'open' (invalid mode)", 2)
    end
    return open(name, plain)
  end

  local function must_open(name, mode)
    local file, message = open(name, mode)
    if not file then
      message = message:gsub("^.*: ", "")
      error("cannot open file '" .. name .. "' (" .. message .. ")", 3)
    end
    return file
  end

  function io.lines(name, ...)
    refuse_in_workflow("io.lines")
    if name == nil then
      return iterator(input, open_state(input, "lines"), false, ...)
    end
    local file = must_open(text_of_path(name, 1, "lines"), "r")
    return iterator(file, files.state(file), true, ...), nil, nil, file
  end

  function io.read(format, ...)
    local state = input_state
    if format == nil or format == "l" and select("#", ...) == 0 then
      local next = state.next
      local line = state.lines[next]
      if line then
        state.next = next + 1
        return line
      end
      refuse_in_workflow("io.read")
      if state.closed then
        error("default input file is closed", 2)
      end
      return more_lines(state)
    end
    refuse_in_workflow("io.read")
    if state.closed then
      error("default input file is closed", 2)
    end
    return read_formats(state, "read", 2, format, ...)
  end

  function io.write(...)
    refuse_in_workflow("io.write")
    local state = files.state(output)
    if state.closed then
      error("default output file is closed", 2)
    end
    return write_values(output, state, 2, ...)
  end

  function io.input(file)
    if file ~= nil then
      refuse_in_workflow("io.input")
      if not is_file(file) then
        file = must_open(text_of_path(file, 1, "input"), "r")
      end
      input, input_state = file, files.state(file)
    end
    return input
  end

  function io.output(file)
    if file ~= nil then
      refuse_in_workflow("io.output")
      if not is_file(file) then
        file = must_open(text_of_path(file, 1, "output"), "w")
      end
      output = file
    end
    return output
  end

  function io.close(file)
    return files.close(file == nil and output or file)
  end

  function io.type(value)
    if not is_file(value) then
      return nil
    end
    return files.state(value).closed and "closed file" or "file"
  end

  function io.tmpfile()
    refuse_in_workflow("io.tmpfile")
    local opened, message, number = outcome(nil, effects.immediate("io.open_temporary"))
    if not opened then
      return nil, message, number
    end
    return make("file", opened.id, false)
  end

  function io.popen(command, mode)
    refuse_in_workflow("io.popen")
    command = text_of_path(command, 1, "popen")
    mode = mode or "r"
    if mode ~= "r" and mode ~= "w" then
      error("bad argument #2 to 'popen' (invalid mode)", 2)
    end
    local id, message, number = outcome(command, effects.immediate("io.command", command, mode))
    if not id then
      return nil, message, number
    end
    return make("command", id, true)
  end

  return io
end
