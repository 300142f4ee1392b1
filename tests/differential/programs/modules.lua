package.path = "./lib/?.lua;./lib/?/init.lua;" .. package.path
local Stack = require("stack")
local s = Stack.new(1, 2):push(3)
print(#s, s:pop(), s:pop(), #s, Stack.loaded_as, require("stack") == Stack, package.loaded.stack == Stack)
print(require("nothing"), require("nothing"), loaded_nothing, package.loaded.nothing)
local nested, where = require("nested") print(nested.name, nested.from, where)
print((select(2, pcall(require, "broken"))))
print(select(2, pcall(require, "raising")).code, package.loaded.raising)
print((select(2, pcall(require, "absent.module")):match("^module 'absent.module' not found:\n\tno field package.preload%['absent.module'%]\n\tno file './lib/absent/module.lua'")))
package.preload.virtual = function(name, extra) return { name = name, extra = extra } end
local v = require("virtual") print(v.name, v.extra)
print(package.searchpath("stack", package.path), package.searchpath("x.y", "./?.none;/?/z"))
package.loaded.stack = nil print(require("stack") ~= Stack)
table.insert(package.searchers, 2, function(name) if name == "special" then return function(n, x) return n .. x end, "!" end return "\n\tnot special" end)
print(require("special"))
for _, name in ipairs({ "string", "table", "math", "io", "os", "coroutine", "utf8", "debug", "package", "_G" }) do assert(package.loaded[name] == _G[name] or name == "_G", name) end
print(package.config:sub(1, 1), type(package.searchers), type(package.loadlib))
