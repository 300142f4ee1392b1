local M = {} M.__index = M
local function new(rows) return setmetatable(rows, M) end
function M.identity(n) local r = {} for i = 1, n do r[i] = {} for j = 1, n do r[i][j] = i == j and 1 or 0 end end return new(r) end
M.__mul = function(a, b)
  local r = {}
  for i = 1, #a do r[i] = {} for j = 1, #b[1] do local s = 0 for k = 1, #b do s = s + a[i][k] * b[k][j] end r[i][j] = s end end
  return new(r)
end
M.__tostring = function(m) local l = {} for i, row in ipairs(m) do l[i] = table.concat(row, " ") end return table.concat(l, "\n") end
M.__eq = function(a, b) return tostring(a) == tostring(b) end
M.__pow = function(m, n) local r = M.identity(#m) while n > 0 do if n & 1 == 1 then r = r * m end m, n = m * m, n >> 1 end return r end
local fib = new({ { 1, 1 }, { 1, 0 } })
print(tostring(fib ^ 30)) print(fib ^ 3 == fib * fib * fib, (fib ^ 90)[1][2])
local function det(m)
  if #m == 1 then return m[1][1] end
  local d = 0
  for c = 1, #m do
    local minor = {}
    for i = 2, #m do minor[i - 1] = {} for j = 1, #m do if j ~= c then table.insert(minor[i - 1], m[i][j]) end end end
    d = d + (c % 2 == 1 and 1 or -1) * m[1][c] * det(minor)
  end
  return d
end
print(det({ { 2, 0, 1 }, { 1, 3, 2 }, { 1, 1, 4 } }), det({ { 1.5, 2 }, { 3, 4 } }))
