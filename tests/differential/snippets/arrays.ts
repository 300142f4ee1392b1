/** How large an array becomes shows in the borders that # finds and in the order of pairs once there are holes. */
export const arrays: string = String.raw`
-- arrays of all sizes, appended to, with a hole at each place
local seed = 42
local function random(n)
  seed = (seed * 1103515245 + 12345) % 2147483648
  return seed // 65536 % n + 1
end
local function show(t)
  local keys = {}
  for key in pairs(t) do
    keys[#keys + 1] = key
  end
  return #t .. ": " .. table.concat(keys, " ")
end
for size = 0, 9 do
  for added = 1, 9 do
    local t = table.pack(table.unpack({ 1, 2, 3, 4, 5, 6, 7, 8, 9 }, 1, size))
    t.n = nil
    local plain = {}
    for i = 1, size + added do
      t[i] = i
      plain[i] = i
    end
    local hole = random(size + added)
    t[hole], plain[hole] = nil, nil
    print(size, added, hole, show(t), show(plain))
    t[size + added + 1], plain[size + added + 1] = 0, 0
    print(show(t), show(plain))
  end
end

-- integers, floats that are integers and nil in any order
local seed = 42
local function random(n)
  seed = (seed * 1103515245 + 12345) % 2147483648
  return seed // 65536 % n + 1
end
local function show(t)
  local keys = {}
  for key in pairs(t) do
    keys[#keys + 1] = key
  end
  return #t .. ": " .. table.concat(keys, " ")
end
for round = 1, 60 do
  local t = round % 3 == 0 and { 1, 2, 3 } or {}
  for _ = 1, 5 + random(40) do
    local n = random(6)
    if n <= 3 then
      t[#t + 1] = n
    elseif n == 4 then
      t[random(12)] = nil
    elseif n == 5 then
      t[#t + 1.0] = n
    else
      t[random(14)] = n
    end
  end
  if round % 5 == 0 then
    t[100] = 1
    t[#t + 1] = 7
  end
  print(round, show(t))
end

-- a metamethod decides about each absent index, also where the array could grow
local seen = {}
local guarded = setmetatable({ 1, 2 }, {
  __newindex = function(t, key, value)
    seen[#seen + 1] = key
    rawset(t, key, value)
  end,
  __index = function(_, key)
    return -key
  end,
})
for i = 1, 9 do
  guarded[i] = guarded[i] * 2
end
print(table.concat(seen, " "), table.concat(guarded, " "), #guarded)

-- what is absent in a table without a hash part
local few = { 1, nil, 3 }
print(few[0], few[1], few[2], few[3], few[4], few[-1], few[1 << 40], few[math.mininteger], ({})[1])
for _, key in ipairs({ 1, 2, 4, 5 }) do
  few[key] = nil
end
print(few[1], few[2], few[3], few[4], #few == 3 or #few == 0)
`;
