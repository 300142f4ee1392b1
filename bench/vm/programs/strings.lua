return function(n)
  local parts = {}
  for i = 1, 100 do
    parts[i] = ""
  end
  for i = 1, n do
    parts[i % 100 + 1] = ("item " .. i):upper():gsub("%d+", "#")
  end
  return #table.concat(parts)
end
