local function safe(columns, row, column)
  for i = 1, row - 1 do
    local other = columns[i]
    if other == column or other - i == column - row or other + i == column + row then
      return false
    end
  end
  return true
end

local count

local function place(columns, row, size)
  if row > size then
    count = count + 1
    return
  end
  for column = 1, size do
    if safe(columns, row, column) then
      columns[row] = column
      place(columns, row + 1, size)
    end
  end
end

return function(n)
  local total = 0
  for _ = 1, n do
    count = 0
    place({}, 1, 8)
    total = total + count
  end
  return total
end
