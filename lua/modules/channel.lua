--- Module `channel`: channels between the coroutines of one unit. A global of every unit.
-- @workflows yes
-- @sandbox yes
local runtime = ...
local check = runtime.check
local channel = runtime.use("kernel/messaging/channel")

return {
  new = function(size)
    if size ~= nil then
      size = math.max(0, check.integer(size, 1, "new"))
    end
    return channel.new(size)
  end,
  select = channel.select,
}
