--- Module `expr`: evaluates expressions, as they stand in configuration or come from users.
-- @workflows yes
-- @sandbox yes
local runtime = ...
local check, effects, errors = runtime.check, runtime.effects, runtime.errors
local pure = runtime.use("library/crossing", runtime)
local object = runtime.use("kernel/core/object")

local expr = {}

local program = {}
local new_program, source_of = object.opaque("expr.Program", program)

local function read_source(source, method)
  if check.string(source, 1, method) == "" then
    return nil, errors.fail("Invalid", "the expression is empty")
  end
  return source
end

-- The time is that of the unit: in a workflow it is the recorded one, so a replay sees the same.
local function run(source, env)
  return pure("expr.run", source, env, effects.now())
end

--- Evaluates an expression with the names of `env`: `value, nil` or `nil, err` (Invalid: empty; Internal).
function expr.eval(source, env)
  local text, err = read_source(source, "eval")
  if not text then
    return nil, err
  end
  return run(text, check.optional(check.table, env, 2, "eval"))
end

--- Compiles an expression: `Program, nil` or `nil, err` (Invalid: empty; Internal). With `env`, the expression may use
--- its names only, with values of the types that they have there.
function expr.compile(source, env)
  local text, err = read_source(source, "compile")
  if not text then
    return nil, err
  end
  local _
  _, err = pure("expr.compile", text, check.optional(check.table, env, 2, "compile"))
  if err then
    return nil, err
  end
  return new_program(text), nil
end

--- Evaluates the program with the names of `env`: `value, nil` or `nil, err` (Internal).
function program:run(env)
  return run(source_of(self), check.optional(check.table, env, 1, "run"))
end

return expr
