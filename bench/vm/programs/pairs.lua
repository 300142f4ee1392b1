return function(n)
  local t = {}
  for i = 1, 100 do
    t["k" .. i] = i
  end
  local sum = 0
  for _ = 1, n do
    for _, v in pairs(t) do
      sum = sum + v
    end
  end
  return sum
end
