local w, h, cells = 10, 8, {}
for _, p in ipairs({ { 2, 1 }, { 3, 2 }, { 1, 3 }, { 2, 3 }, { 3, 3 } }) do cells[p[2] * w + p[1]] = true end
local function show() for y = 0, h - 1 do local l = {} for x = 0, w - 1 do l[x + 1] = cells[y * w + x] and "#" or "." end print(table.concat(l)) end end
for generation = 1, 12 do
  local next = {}
  for y = 0, h - 1 do
    for x = 0, w - 1 do
      local n = 0
      for dy = -1, 1 do for dx = -1, 1 do if (dx ~= 0 or dy ~= 0) and cells[(y + dy) % h * w + (x + dx) % w] then n = n + 1 end end end
      if n == 3 or n == 2 and cells[y * w + x] then next[y * w + x] = true end
    end
  end
  cells = next
end
show()
