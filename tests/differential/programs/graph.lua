-- Dijkstra with a binary heap, and a topological sort.
local Heap = {} Heap.__index = Heap
function Heap.new(less) return setmetatable({ less = less }, Heap) end
function Heap:push(v)
  self[#self + 1] = v
  local i = #self
  while i > 1 and self.less(self[i], self[i // 2]) do self[i], self[i // 2] = self[i // 2], self[i] i = i // 2 end
end
function Heap:pop()
  local top = self[1]
  self[1] = self[#self] self[#self] = nil
  local i = 1
  while true do
    local s = i
    for c = 2 * i, 2 * i + 1 do if self[c] and self.less(self[c], self[s]) then s = c end end
    if s == i then return top end
    self[i], self[s] = self[s], self[i] i = s
  end
end
local edges = { a = { b = 7, c = 9, f = 14 }, b = { c = 10, d = 15 }, c = { d = 11, f = 2 }, d = { e = 6 }, f = { e = 9 }, e = {} }
local dist, prev, heap = { a = 0 }, {}, Heap.new(function(x, y) return x[1] < y[1] end)
heap:push({ 0, "a" })
while #heap > 0 do
  local d, n = table.unpack(heap:pop())
  if d == dist[n] then
    for m, w in pairs(edges[n]) do if d + w < (dist[m] or math.huge) then dist[m], prev[m] = d + w, n heap:push({ d + w, m }) end end
  end
end
local path, n = {}, "e"
while n do table.insert(path, 1, n) n = prev[n] end
print(dist.e, table.concat(path, ">"))
local deps = { app = { "lib", "log" }, lib = { "core" }, log = { "core" }, core = {} }
local order, state = {}, {}
local function visit(x)
  if state[x] == "open" then error("cycle at " .. x, 0) end
  if state[x] then return end
  state[x] = "open"
  for _, y in ipairs(deps[x]) do visit(y) end
  state[x] = "done" order[#order + 1] = x
end
visit("app") print(table.concat(order, " "))
deps.core[1] = "app" state = {} print(pcall(visit, "app"))
