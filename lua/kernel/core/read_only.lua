-- Views of tables: writing to one finds no key and reaches `__newindex`.
local use = ...
local order = use("kernel/core/order")
local stable = use("kernel/core/stable")
local view = use("kernel/core/view")

--- The metatable of a view of `real`. `refuse(self, key)` raises for whoever writes to it. `about` is what `view.about`
--- answers.
return function(real, refuse, about)
  return host.mark({
    -- What is copied or leaves the VM in place of the view.
    real,
    [view.ABOUT] = about,
    __index = real,
    __newindex = refuse,
    -- A closure: `next, real` would hand out the table behind the view.
    __pairs = function()
      local run = stable.current_run()
      if run then
        local step = order.pairs(run, real)
        return function()
          return step(real)
        end
      end
      local key
      return function()
        local value
        key, value = next(real, key)
        return key, value
      end
    end,
    __metatable = false,
  })
end
