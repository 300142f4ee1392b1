-- A module with state, required by several programs.
local Stack = {}
Stack.__index = Stack
function Stack.new(...) return setmetatable({ n = select("#", ...), ... }, Stack) end
function Stack:push(v) self.n = self.n + 1 self[self.n] = v return self end
function Stack:pop()
  local v = self[self.n]
  self[self.n], self.n = nil, math.max(0, self.n - 1)
  return v
end
function Stack:__len() return self.n end
Stack.loaded_as = ...
return Stack
