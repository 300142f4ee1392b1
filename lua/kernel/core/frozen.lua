-- Tables that a program has declared immutable: `table.insert`, `remove` and `sort` refuse them. Until the first one is
-- made, these three are Lua's own and cost nothing more.
local frozen = {}

local set = setmetatable({}, { __mode = "k" })
local verbs = { insert = "insert into", remove = "remove from", sort = "sort" }

local function checked(name, fn)
  return function(t, ...)
    if set[t] then
      error("attempt to " .. verbs[name] .. " Immutable table", 2)
    end
    return fn(t, ...)
  end
end

--- The functions for the table library `real`.
function frozen.functions(real)
  local watching = false
  local function freeze(t)
    if type(t) ~= "table" then
      local got = t == nil and "no value" or host.type(t)
      error("bad argument #1 to 'freeze' (table expected, got " .. got .. ")", 2)
    end
    if not watching then
      watching = true
      for name in pairs(verbs) do
        real[name] = checked(name, real[name])
      end
    end
    set[t] = true
    return t
  end
  local function is_frozen(t)
    return set[t] == true
  end
  return freeze, is_frozen
end

return frozen
