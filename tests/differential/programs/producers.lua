local function producer(lines)
  return coroutine.create(function() for _, l in ipairs(lines) do coroutine.yield(l) end return nil end)
end
local function filter(source)
  return coroutine.create(function()
    local n = 0
    while true do
      local _, line = coroutine.resume(source)
      if not line then return end
      n = n + 1
      coroutine.yield(("%3d %s"):format(n, line))
    end
  end)
end
local f = filter(producer({ "one", "two", "three" }))
while true do
  local ok, line = coroutine.resume(f)
  if not line then break end
  print(ok, line)
end
-- A round-robin scheduler.
local tasks, log = {}, {}
for name, steps in pairs({ a = 3 }) do tasks[#tasks + 1] = { name, steps } end
tasks[#tasks + 1] = { "b", 2 } tasks[#tasks + 1] = { "c", 4 }
for i, t in ipairs(tasks) do
  tasks[i] = coroutine.create(function() for s = 1, t[2] do log[#log + 1] = t[1] .. s coroutine.yield() end end)
end
while #tasks > 0 do
  for i = #tasks, 1, -1 do
    coroutine.resume(tasks[i])
    if coroutine.status(tasks[i]) == "dead" then table.remove(tasks, i) end
  end
end
print(table.concat(log, " "))
