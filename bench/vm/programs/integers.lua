return function(n)
  local sum = 0
  for i = 1, n do
    sum = sum + i % 7
  end
  return sum
end
