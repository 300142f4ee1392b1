-- How a function answers effects, where it differs from base.lua. Lay it beside process.lua and workflow.lua.
-- It works in its caller's frame, holds its place in the pool while it waits, and ends when its caller ends.
local use = ...
local base = use("contexts/base")
local functions = use("kernel/functions/functions")

return base({
  kind = "function",
  upgrade = functions.stop,
  ended = functions.ended,
})
