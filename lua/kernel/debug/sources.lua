-- The sources that code of an entry may be in: its own and those of the libraries that it imports.
local use = ...
local sandbox = use("kernel/core/sandbox")

local sources_of = setmetatable({}, { __mode = "k" })

local function add_sources(entry, set)
  set["=" .. entry.chunk] = true
  for _, id in pairs(entry.imports or {}) do
    local library = type(id) == "string" and sandbox.entry(id) or nil
    if library and not set["=" .. library.chunk] then
      add_sources(library, set)
    end
  end
  return set
end

--- The sources of an entry that has a chunk, as Lua names them: a set.
return function(entry)
  local sources = sources_of[entry]
  if not sources then
    sources = add_sources(entry, {})
    sources_of[entry] = sources
  end
  return sources
end
