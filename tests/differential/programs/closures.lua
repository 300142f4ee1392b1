local function counter(step)
  local n = 0
  return function() n = n + step return n end, function() return n end
end
local up, now = counter(3)
up() up()
print(now(), up(), now())
local fs = {}
for i = 1, 3 do local j = i * 10 fs[i] = function() j = j + i return j end end
print(fs[1](), fs[1](), fs[2](), fs[3](), fs[3]())
local function curry(f, n)
  n = n or 2
  local function take(args, left)
    if left == 0 then return f(table.unpack(args)) end
    return function(x) local copy = { table.unpack(args) } copy[#copy + 1] = x return take(copy, left - 1) end
  end
  return take({}, n)
end
print(curry(function(a, b, c) return a + b * c end, 3)(1)(2)(3))
local function compose(...)
  local all = { ... }
  return function(...)
    local r = table.pack(...)
    for i = #all, 1, -1 do r = table.pack(all[i](table.unpack(r, 1, r.n))) end
    return table.unpack(r, 1, r.n)
  end
end
print(compose(tostring, function(x) return x * 2 end, function(a, b) return a + b end)(3, 4))
local memo = setmetatable({}, { __mode = "k" })
local fib fib = function(n) if n < 2 then return n end memo[n] = memo[n] or fib(n - 1) + fib(n - 2) return memo[n] end
print(fib(60))
