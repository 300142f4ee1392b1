local function fib(n)
  if n < 2 then
    return n
  end
  return fib(n - 1) + fib(n - 2)
end

return function(n)
  local sum = 0
  for _ = 1, n do
    sum = sum + fib(20)
  end
  return sum
end
