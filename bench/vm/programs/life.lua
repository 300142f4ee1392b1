local function step(cells, size)
  local next = {}
  for y = 1, size do
    local row = {}
    local above, here, below = cells[(y - 2) % size + 1], cells[y], cells[y % size + 1]
    for x = 1, size do
      local left, right = (x - 2) % size + 1, x % size + 1
      local around = above[left]
        + above[x]
        + above[right]
        + here[left]
        + here[right]
        + below[left]
        + below[x]
        + below[right]
      row[x] = (around == 3 or (around == 2 and here[x] == 1)) and 1 or 0
    end
    next[y] = row
  end
  return next
end

return function(n)
  local size, cells = 40, {}
  for y = 1, size do
    cells[y] = {}
    for x = 1, size do
      cells[y][x] = (x * 7 + y * 13) % 5 == 0 and 1 or 0
    end
  end
  for _ = 1, n do
    cells = step(cells, size)
  end
  local alive = 0
  for y = 1, size do
    for x = 1, size do
      alive = alive + cells[y][x]
    end
  end
  return alive
end
