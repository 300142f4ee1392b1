-- How the files of the kernel are put together. The core is what all the others stand on: `scheduler` runs coroutines,
-- `unit` is what they belong to, `effects` is what modules ask for, `sandbox` is what application code sees.
--
-- A file returns what it offers and uses the files below it. What it needs of a file that stands on it is a hook: the
-- file declares it by name and keeps it as a local, so that a call of it costs no more than any other; `kernel.lua`,
-- and nobody else, connects all hooks.
local core = { declared = {} }

--- Declares the hooks of `file`: `set` is called with their values, in the order of `names`, once they are connected.
--- Returns the function that connects them, which takes a table with exactly these names. It raises for a hook that is
--- missing, for one that nobody declared, and when it is called again.
function core.hooks(file, names, set)
  local declaration = { file = file, names = names, connected = false }
  core.declared[#core.declared + 1] = declaration
  return function(given)
    if declaration.connected then
      error("the hooks of " .. file .. " are connected already", 2)
    end
    local values, known = {}, {}
    for i, name in ipairs(names) do
      values[i], known[name] = given[name], true
      if not given[name] then
        error("hook '" .. name .. "' of " .. file .. " is not connected", 2)
      end
    end
    for name in pairs(given) do
      if not known[name] then
        error(file .. " declares no hook '" .. name .. "'", 2)
      end
    end
    set(table.unpack(values, 1, #names))
    declaration.connected = true
  end
end

--- Raises when a file has hooks that nobody has connected.
function core.assert_connected()
  for _, declaration in ipairs(core.declared) do
    if not declaration.connected then
      error("the hooks of " .. declaration.file .. " are not connected")
    end
  end
end

return core
