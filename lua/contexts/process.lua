-- How a process answers effects, where it differs from base.lua. Lay it beside function.lua and workflow.lua.
-- It parks while it waits, so that others run; it lives until its main returns, fails, or is terminated.
local use = ...
local base = use("contexts/base")

return base({
  kind = "process",
  upgrade = use("kernel/processes/upgrade").upgrade,
  ended = function() end,
})
