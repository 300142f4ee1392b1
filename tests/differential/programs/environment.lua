local strict = {}
setmetatable(_G, { __newindex = function(t, k, v) strict[#strict + 1] = k rawset(t, k, v) end, __index = function(_, k) return "missing " .. k end })
a_global = 1
print(a_global, another, strict[1], rawget(_G, "another"), _G._G == _G)
setmetatable(_G, nil)
print(another, _G.a_global)
for _, name in ipairs({ "assert", "collectgarbage", "dofile", "error", "getmetatable", "ipairs", "load", "loadfile", "next", "pairs", "pcall", "print", "rawequal", "rawget", "rawlen", "rawset", "require", "select", "setmetatable", "tonumber", "tostring", "type", "warn", "xpcall", "_VERSION" }) do
  io.write(name, "=", type(_G[name]), " ")
end print(_VERSION)
local seen = {} for k in pairs(_G) do seen[k] = true end
print(seen.print, seen.a_global, seen.string, seen.io, seen.arg, seen.utf8)
local function sandboxed() local _ENV <const> = { tostring = tostring } return tostring(print) end print(sandboxed())
function string.trim(s) return s:match("^%s*(.-)%s*$") end print("[" .. ("  x "):trim() .. "]", string.trim(" y "))
function table.keys(t) local r = {} for k in pairs(t) do r[#r + 1] = k end table.sort(r) return r end print(table.concat(table.keys({ b = 1, a = 2 }), ","))
math.tau = 2 * math.pi print(math.tau) print(getmetatable("").__index == string, ("x").rep == string.rep)
print(collectgarbage("count") > 0, collectgarbage(), collectgarbage("isrunning"), type(collectgarbage("step")))
