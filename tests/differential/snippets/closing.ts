/** Coroutines that are closed, and to-be-closed variables that yield. */
export const closing = String.raw`
-- close a suspended coroutine
local co = coroutine.create(function() coroutine.yield() end)
coroutine.resume(co)
print(coroutine.close(co), coroutine.status(co))
print(coroutine.close(co))
print(coroutine.close(coroutine.create(print)))

-- close with pending to-be-closed variables
local function closer(n) return setmetatable({}, { __close = function(_, e) print("close", n, e) end }) end
local co = coroutine.create(function()
  local a <close> = closer("a")
  local b <close> = closer("b")
  coroutine.yield("in")
end)
print(coroutine.resume(co)) print(coroutine.close(co)) print(coroutine.status(co))

-- close when a closing method fails
local co = coroutine.create(function()
  local a <close> = setmetatable({}, { __close = function(_, e) print("a", e) end })
  local b <close> = setmetatable({}, { __close = function() error("from b", 0) end })
  coroutine.yield()
end)
coroutine.resume(co)
print(coroutine.close(co))

-- close after an error
local co = coroutine.create(function() error("x", 0) end)
print(coroutine.resume(co)) print(coroutine.close(co)) print(coroutine.close(co))

-- close of a running and of a normal coroutine
local co co = coroutine.create(function() return pcall(coroutine.close, co) end)
print(coroutine.resume(co))
local co co = coroutine.create(function()
  return coroutine.resume(coroutine.create(function() return pcall(coroutine.close, co) end))
end)
print(coroutine.resume(co))

-- yield inside a closing method at scope end
local function closer(n) return setmetatable({}, { __close = function() print("closing", n, coroutine.yield(n)) end }) end
local co = coroutine.wrap(function()
  do local a <close> = closer("a") local b <close> = closer("b") end
  return "done"
end)
print(co()) print(co("B")) print(co("A"))

-- yield inside a closing method at return
local co = coroutine.wrap(function()
  local a <close> = setmetatable({}, { __close = function() coroutine.yield("closing") end })
  return 1, 2, 3
end)
print(co()) print(co())

-- yield inside a closing method on error
local co = coroutine.wrap(function()
  return pcall(function()
    local a <close> = setmetatable({}, { __close = function(_, e) coroutine.yield("closing " .. tostring(e)) end })
    error("boom", 0)
  end)
end)
print(co()) print(co())

-- yield inside a closing method at break
local co = coroutine.wrap(function()
  for i = 1, 3 do
    local a <close> = setmetatable({}, { __close = function() coroutine.yield("c" .. i) end })
    if i == 2 then break end
  end
  return "end"
end)
print(co()) print(co()) print(co())

-- wrap as a to-be-closed value of a generic for
local function gen()
  local co = coroutine.wrap(function() for i = 1, 3 do coroutine.yield(i) end end)
  return co, nil, nil, setmetatable({}, { __close = function() print("gen closed") end })
end
for i in gen() do print(i) if i == 2 then break end end
`;
