return function(n)
  local t = {}
  for i = 1, n do
    t[i % 1000] = { id = i, name = "x" }
  end
  return #t
end
