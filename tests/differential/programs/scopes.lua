do
  local log = {}
  local function res(name, fails) return setmetatable({}, { __close = function(_, e) log[#log + 1] = name .. ":" .. tostring(e) if fails then error("close " .. name, 0) end end }) end
  do local a <close> = res("a") local b <close> = res("b") log[#log + 1] = "body" end
  print(pcall(function() local x <close> = res("x") local y <close> = res("y", true) error("first", 0) end))
  for i = 1, 2 do local l <close> = res("loop" .. i) if i == 1 then goto next end log[#log + 1] = "two" ::next:: end
  local function early() local r <close> = res("r") return "returned" end log[#log + 1] = early()
  local function iter() local n = 0 return function() n = n + 1 if n < 4 then return n end end, nil, nil, res("iterator") end
  for v in iter() do if v == 2 then break end end
  print(table.concat(log, " "))
end
local function varargs(...) local a, b = ... return select("#", ...), a, b, select(-1, ...) end print(varargs(1, nil, 3, nil)) print((varargs(1, 2)))
local a <const>, b = 1, 2 do local a = a + 10 print(a, b) end print(a) print(pcall(load, "local c <const> = 1 c = 2")) local t = { f = function(self) return self.v end, v = 7 } print(t:f(), t["f"](t), #{ n = 1, varargs(1, 2) })
print(type(next), select("#"), select("#", nil, nil), (function(...) return ... end)(1, 2)) local x, y, z = (function() return 1, 2, 3 end)() print(x, y, z, ({ (function() return 1, 2, 3 end)() })[3])
print(2 ^ 3 ^ 2, -2 ^ 2, not 1 == 2, 1 .. 2 == "12", "a" .. 1 + 2, 1 < 2 == true, 7 & 3 | 8 ~ 1 << 2) print(#"\65\x41\u{41}\z
  end", [[
first newline dropped]], [==[with ]] inside]==])
