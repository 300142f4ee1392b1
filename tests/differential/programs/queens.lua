local function queens(n)
  local count, first = 0, nil
  local cols, d1, d2, place = {}, {}, {}, {}
  local function try(row)
    if row > n then
      count = count + 1
      first = first or table.concat(place, " ")
      return
    end
    for c = 1, n do
      if not (cols[c] or d1[row + c] or d2[row - c]) then
        cols[c], d1[row + c], d2[row - c], place[row] = true, true, true, c
        try(row + 1)
        cols[c], d1[row + c], d2[row - c] = nil, nil, nil
      end
    end
  end
  try(1)
  return count, first
end
for n = 1, 7 do print(n, queens(n)) end
