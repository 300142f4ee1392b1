local function permutations(t)
  local function go(n)
    if n == 0 then coroutine.yield(table.concat(t)) return end
    for i = 1, n do
      t[n], t[i] = t[i], t[n]
      go(n - 1)
      t[n], t[i] = t[i], t[n]
    end
  end
  return coroutine.wrap(function() go(#t) end)
end
for p in permutations({ "a", "b", "c" }) do io.write(p, " ") end
print()
local co = coroutine.create(function(a, b)
  print("start", a, b)
  local c = coroutine.yield(a + b)
  print("got", c)
  local d, e = coroutine.yield(c * 2)
  print("got", d, e)
  error("oops")
end)
print(coroutine.resume(co, 1, 2))
print(coroutine.status(co), coroutine.resume(co, 10))
print(coroutine.resume(co, "x", nil))
print(coroutine.status(co), coroutine.resume(co))
print(coroutine.isyieldable(), select(2, coroutine.running()))
local inner = coroutine.wrap(function()
  print(coroutine.isyieldable(), select(2, coroutine.running()))
  local ok, message = pcall(function() coroutine.yield(1) error({ "deep" }) end)
  coroutine.yield(type(message), message[1])
  return "end"
end)
print(inner(), inner()) print(inner()) print(pcall(inner))
local closing = coroutine.create(function() local x <close> = setmetatable({}, { __close = function() print("closed") end }) coroutine.yield() end)
coroutine.resume(closing)
print(coroutine.close(closing), coroutine.status(closing))
