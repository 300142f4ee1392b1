return function(n)
  local sum = 0
  for _ = 1, n do
    local t = {}
    for i = 1, 1000 do
      t[#t + 1] = i
    end
    for i = 1, #t do
      sum = sum + t[i]
    end
  end
  return sum
end
