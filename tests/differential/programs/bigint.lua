local B = {} B.__index = B
local base = 10 ^ 7 // 1 | 0
local function new(s) local r = setmetatable({}, B) if type(s) == "number" then s = ("%d"):format(s) end while #s > 0 do r[#r + 1] = math.tointeger(tonumber(s:sub(-7))) s = s:sub(1, -8) end return r end
B.__add = function(a, b) local r, c = setmetatable({}, B), 0 for i = 1, math.max(#a, #b) do local s = (a[i] or 0) + (b[i] or 0) + c r[i], c = s % base, s // base end if c > 0 then r[#r + 1] = c end return r end
B.__mul = function(a, b)
  local r = setmetatable({}, B)
  for i = 1, #a + #b do r[i] = 0 end
  for i = 1, #a do local c = 0 for j = 1, #b do local s = r[i + j - 1] + a[i] * b[j] + c r[i + j - 1], c = s % base, s // base end r[i + #b] = r[i + #b] + c end
  while #r > 1 and r[#r] == 0 do r[#r] = nil end
  return r
end
B.__tostring = function(a) local t = { ("%d"):format(a[#a]) } for i = #a - 1, 1, -1 do t[#t + 1] = ("%07d"):format(a[i]) end return table.concat(t) end
local f = new(1) for i = 2, 60 do f = f * new(i) end print(tostring(f))
local a, b = new(0), new(1) for _ = 1, 300 do a, b = b, a + b end print(tostring(a))
