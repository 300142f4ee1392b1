-- Tables that are empty and stand for another one: how they are recognized. kernel/core/read_only makes them.
local metatable_of, rawget, type = debug.getmetatable, rawget, type

local view = {}

--- Where the metatable of a view has what its maker says of it. No program can name this key.
view.ABOUT = {}
local ABOUT <const> = view.ABOUT

--- What is known about a metatable of a view; nil for any other.
function view.about(meta)
  return rawget(meta, ABOUT)
end

--- What a table is a view of, or else itself.
function view.content(t)
  local meta = type(t) == "table" and metatable_of(t)
  return meta and rawget(meta, ABOUT) ~= nil and meta[1] or t
end

return view
