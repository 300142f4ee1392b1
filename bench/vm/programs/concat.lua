return function(n)
  local sum = 0
  for i = 1, n do
    local key = "key" .. i
    sum = sum + #key
  end
  return sum
end
