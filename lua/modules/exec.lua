--- Module `exec`: programs of the machine or of containers, which entries of the kinds `exec.native` and `exec.docker`
-- allow.
-- @workflows no; a program runs in a function that the workflow calls
-- @sandbox no
local runtime = ...
local check, effects, errors = runtime.check, runtime.effects, runtime.errors
local transfer = runtime.use("library/transfer", runtime)
local object = runtime.use("kernel/core/object")
local operation, tostring = effects.operation, runtime.tostring

local CHUNK <const> = 64 * 1024

local exec = {}

local function invalid(message)
  return nil, errors.fail("Invalid", message)
end

local methods = {}
local make_program, program_of = object.opaque("Process", methods)

-- An operation on a program that was not waited for or closed.
local function on(self, name, ...)
  local program = program_of(self)
  if program.closed then
    return invalid(name .. ": the program is closed")
  end
  return operation("exec." .. name, program.handle, ...)
end

--- Starts the program.
function methods:start()
  return on(self, "start")
end

--- Waits for its end: `exit code, nil`. Afterwards the program is closed.
function methods:wait()
  local code, err = on(self, "wait")
  if code then
    program_of(self).closed = true
  end
  return code, err
end

-- An output as a Stream; each call returns the same one.
local function output(self, name)
  local program = program_of(self)
  if program[name] then
    return program[name], nil
  end
  local taken, err = on(self, "take", name)
  if not taken then
    return nil, err
  end
  program[name] = transfer.forward(function(size)
    return operation("exec.read", program.handle, name, size)
  end, function()
    return operation("exec.drop", program.handle, name)
  end)
  return program[name], nil
end

--- What it writes to its standard output: `Stream, nil`.
function methods:stdout_stream()
  return output(self, "stdout")
end

--- What it writes to its standard error: `Stream, nil`.
function methods:stderr_stream()
  return output(self, "stderr")
end

--- Writes to its standard input, as fast as it reads; `""` closes the input.
function methods:write_stdin(data)
  check.string(data, 1, "write_stdin")
  if data == "" then
    return on(self, "write", "")
  end
  for first = 1, #data, CHUNK do
    local ok, err = on(self, "write", data:sub(first, first + CHUNK - 1))
    if not ok then
      return nil, err
    end
  end
  return true, nil
end

--- Sends a signal, a number, to the program and all that it started.
function methods:signal(number)
  return on(self, "signal", check.integer(number, 1, "signal"))
end

--- Ends the program and all that it started: by SIGTERM, or with `force` by SIGKILL.
function methods:close(force)
  local ok, err = on(self, "close", check.optional(check.boolean, force, 1, "close") or false)
  if ok then
    program_of(self).closed = true
  end
  return ok, err
end

local executor_methods = {}
local make_executor, executor_of = object.opaque("Executor", executor_methods)

-- The environment that a program gets beside that of its executor: a copy, or `nil, err`.
local function environment(given)
  if given == nil then
    return {}
  elseif type(given) ~= "table" then
    return invalid("exec: env is a table of strings")
  end
  local env = {}
  for name, value in pairs(given) do
    if type(name) ~= "string" or type(value) ~= "string" then
      return invalid("exec: env." .. tostring(name) .. " must have a name and be a string")
    end
    env[name] = value
  end
  return env
end

--- A program that has not started: `Process, nil`. `options`: `work_dir`, and `env`, which adds to that of the entry.
function executor_methods:exec(command, options)
  check.string(command, 1, "exec")
  options = check.optional(check.table, options, 2, "exec") or {}
  local executor = executor_of(self)
  if executor.released then
    return invalid("exec: the executor is released")
  elseif options.work_dir ~= nil and type(options.work_dir) ~= "string" then
    return invalid("exec: work_dir is a string")
  end
  local env, err = environment(options.env)
  if not env then
    return nil, err
  elseif not runtime.allowed("exec.run", command) then
    return invalid("not allowed to execute command: " .. command)
  end
  local handle, failure = operation("exec.create", executor.id, command, options.work_dir, env)
  if not handle then
    return nil, failure
  end
  return make_program({ handle = handle }), nil
end

--- Lets go of the executor; its programs go on.
function executor_methods:release()
  executor_of(self).released = true
  return true, nil
end

--- The executor that an entry of the kind `exec.native` or `exec.docker` describes: `Executor, nil` or `nil, err`.
function exec.get(id)
  check.string(id, 1, "get")
  if id ~= "" and not runtime.allowed("exec.get", id) then
    return invalid("not allowed to access executor: " .. id)
  end
  local found, err = operation("exec.get", id)
  if not found then
    return nil, err
  end
  return make_executor({ id = id }), nil
end

return exec
