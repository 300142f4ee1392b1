/** Lua programs that measure one thing each: a chunk that answers a function of the number of rounds. */
export const programs = {
  switch: `return function(n)
    local resume = coroutine.wrap(function() while true do coroutine.yield() end end)
    for i = 1, n do resume() end
  end`,
  fib: `local function fib(n) if n < 2 then return n end return fib(n - 1) + fib(n - 2) end
  return function(n) for i = 1, n do fib(20) end end`,
  loop: `return function(n) local s = 0 for i = 1, n do s = s + i % 7 end return s end`,
  table: `return function(n)
    local t = {}
    for i = 1, n do t[i % 1000] = { id = i, name = "x" } end
    return #t
  end`,
  string: `return function(n)
    local parts = {}
    for i = 1, n do
      parts[i % 100 + 1] = ("item " .. i):upper():gsub("%d+", "#")
    end
    return table.concat(parts)
  end`,
  // In a coroutine, where all code of applications runs.
  error: `return function(n)
    coroutine.wrap(function() for i = 1, n do pcall(error, "e") end end)()
  end`,
  fault: `return function(n)
    local function f(t) return t.x end
    coroutine.wrap(function() for i = 1, n do pcall(f) end end)()
  end`,
} as const;

export type Program = keyof typeof programs;
