-- For every permutation: how often its head has to be reversed until 1 is in front.
local function flips(p)
  local q, count = {}, 0
  for i = 1, #p do
    q[i] = p[i]
  end
  while q[1] ~= 1 do
    local low, high = 1, q[1]
    while low < high do
      q[low], q[high] = q[high], q[low]
      low, high = low + 1, high - 1
    end
    count = count + 1
  end
  return count
end

local function permute(p, k, most)
  if k == 1 then
    local count = flips(p)
    return count > most and count or most
  end
  for i = 1, k do
    most = permute(p, k - 1, most)
    local j = k % 2 == 0 and i or 1
    p[j], p[k] = p[k], p[j]
  end
  return most
end

return function(n)
  local total = 0
  for _ = 1, n do
    total = total + permute({ 1, 2, 3, 4, 5, 6, 7 }, 7, 0)
  end
  return total
end
