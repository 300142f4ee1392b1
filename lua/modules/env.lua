--- Module `env`: environment variables of the application. A key is a public name, an identifier,
-- or the bare name of an entry in the caller's namespace. Recorded in workflows.
-- @workflows yes
-- @sandbox no
local runtime = ...
local check, effects = runtime.check, runtime.effects

local env = {}

--- The value of a variable, or its default.
function env.get(key)
  return effects.immediate("env.get", check.string(key, 1, "get"))
end

--- Sets a variable that exists and is not read-only.
function env.set(key, value)
  check.string(key, 1, "set")
  return effects.immediate("env.set", key, check.string(value, 2, "set"))
end

--- The raw contents of every storage, under the storage's keys; without what the unit may not read.
function env.get_all()
  local all, err = effects.immediate("env.get_all")
  if err then
    return nil, err
  end
  local keys, seen = {}, {}
  for key in pairs(all) do
    keys[#keys + 1] = key
  end
  -- Workflows record each answer: they must be asked for in the same order.
  table.sort(keys)
  for _, key in ipairs(keys) do
    if runtime.allowed("env.get", key) then
      seen[key] = all[key]
    end
  end
  return seen, nil
end

return env
