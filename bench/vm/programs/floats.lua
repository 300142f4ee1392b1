return function(n)
  local x, y = 0.0, 1.5
  for _ = 1, n do
    x = x + y * 0.5
    y = y - x * 1e-7
  end
  return x
end
