local V = {}
V.__index = V
local function v(x, y) return setmetatable({ x = x, y = y }, V) end
V.__add = function(a, b) return v(a.x + b.x, a.y + b.y) end
V.__sub = function(a, b) return v(a.x - b.x, a.y - b.y) end
V.__mul = function(a, b)
  if type(a) == "number" then return v(a * b.x, a * b.y) elseif type(b) == "number" then return v(a.x * b, a.y * b) end
  return a.x * b.x + a.y * b.y
end
V.__div = function(a, n) return v(a.x / n, a.y / n) end
V.__idiv = function(a, n) return v(a.x // n, a.y // n) end
V.__mod = function(a, n) return v(a.x % n, a.y % n) end
V.__pow = function(a, n) return v(a.x ^ n, a.y ^ n) end
V.__unm = function(a) return v(-a.x, -a.y) end
V.__len = function(a) return 2 end
V.__band = function(a, b) return v(a.x & b.x, a.y & b.y) end
V.__shl = function(a, n) return v(a.x << n, a.y << n) end
V.__bnot = function(a) return v(~a.x, ~a.y) end
V.__tostring = function(a) return ("(%s, %s)"):format(a.x, a.y) end
V.__index = function(_, k) return "no " .. k end
local a, b = v(3, 4), v(10, -2)
for _, r in ipairs({ a + b, a - b, a * 2, 2 * a, a / 2, b // 3, b % 3, a ^ 2, -a, a & b, a << 2, ~a }) do print(tostring(r)) end
print(a * b, #a, a.z, pcall(function() return a < b end))
