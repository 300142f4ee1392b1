/** Coroutines that go on and yield again and again: values, and errors behind a yield. */
export const switches = String.raw`
-- few values and many by turns, more and fewer than are wanted
local co = coroutine.create(function(...)
  local n = select("#", ...)
  for i = 0, 12 do
    local a, b = coroutine.yield(table.unpack({ 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12 }, 1, i))
    local all = table.pack(coroutine.yield(a, b))
    n = n + all.n + select("#", coroutine.yield(all[all.n]))
  end
  return n, "end"
end)
for i = 0, 40 do
  print(coroutine.resume(co, table.unpack({ "a", "b", "c", "d", "e", "f", "g", "h", "i", "j" }, 1, i % 11)))
end

-- errors of instructions and of C functions behind a yield, caught inside and outside
local function body(...)
  print(pcall(function(x) local y = coroutine.yield(x) return y.z.z end, ...))
  print(pcall(function(x) return ("x"):rep(coroutine.yield(x)) end, ...))
  print(pcall(function(x) error(coroutine.yield(x)) end, ...))
  local t <close> = setmetatable({}, { __close = function(_, e) print("closed", e) coroutine.yield("closing") end })
  return coroutine.yield(...) .. {}
end
local co = coroutine.create(body)
for i = 1, 7 do print(coroutine.resume(co, i % 2 == 0 and {} or i, "more")) print(coroutine.status(co)) end
local wrapped = coroutine.wrap(body)
for i = 1, 7 do print(pcall(wrapped, i % 2 == 1 and "s" or i)) end
`;
