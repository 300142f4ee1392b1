return function(n)
  local total = 0
  for py = 0, n - 1 do
    local y0 = py * 2.0 / n - 1.0
    for px = 0, n - 1 do
      local x0 = px * 3.0 / n - 2.0
      local x, y, i = 0.0, 0.0, 0
      while i < 50 do
        local xx, yy = x * x, y * y
        if xx + yy > 4.0 then
          break
        end
        y = 2 * x * y + y0
        x = xx - yy + x0
        i = i + 1
      end
      total = total + i
    end
  end
  return total
end
