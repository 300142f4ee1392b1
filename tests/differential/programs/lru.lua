local Lru = {} Lru.__index = Lru
function Lru.new(size) local head, tail = {}, {} head.next, tail.prev = tail, head return setmetatable({ size = size, count = 0, map = {}, head = head, tail = tail, hits = 0 }, Lru) end
local function unlink(n) n.prev.next, n.next.prev = n.next, n.prev end
function Lru:front(n) n.prev, n.next = self.head, self.head.next self.head.next.prev = n self.head.next = n end
function Lru:get(k) local n = self.map[k] if not n then return nil end self.hits = self.hits + 1 unlink(n) self:front(n) return n.value end
function Lru:put(k, v)
  local n = self.map[k]
  if n then n.value = v unlink(n) self:front(n) return end
  if self.count == self.size then local old = self.tail.prev unlink(old) self.map[old.key] = nil self.count = self.count - 1 end
  n = { key = k, value = v } self.map[k] = n self:front(n) self.count = self.count + 1
end
local cache = Lru.new(3)
for _, k in ipairs({ "a", "b", "c", "a", "d", "b", "e", "a", "a", "d" }) do if not cache:get(k) then cache:put(k, k:upper()) end end
local keys, n = {}, cache.head.next while n ~= cache.tail do keys[#keys + 1] = n.key n = n.next end
print(table.concat(keys, " "), cache.hits, cache.count)
