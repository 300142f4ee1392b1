math.randomseed(20)
local function quicksort(t, low, high)
  if low >= high then return t end
  local pivot, i, j = t[(low + high) // 2], low, high
  while i <= j do
    while t[i] < pivot do i = i + 1 end
    while t[j] > pivot do j = j - 1 end
    if i <= j then t[i], t[j] = t[j], t[i] i, j = i + 1, j - 1 end
  end
  quicksort(t, low, j)
  return quicksort(t, i, high)
end
local function merge_sort(t)
  if #t < 2 then return t end
  local half = #t // 2
  local a, b = merge_sort({ table.unpack(t, 1, half) }), merge_sort({ table.unpack(t, half + 1) })
  local out, i, j = {}, 1, 1
  while a[i] or b[j] do
    if not b[j] or a[i] and a[i] <= b[j] then out[#out + 1] = a[i] i = i + 1
    else out[#out + 1] = b[j] j = j + 1 end
  end
  return out
end
local numbers = {}
for i = 1, 200 do numbers[i] = math.random(1000) end
local a = quicksort({ table.unpack(numbers) }, 1, #numbers)
local b = merge_sort(numbers)
table.sort(numbers, function(x, y) return x > y end)
for i = 1, #a do assert(a[i] == b[i] and a[i] == numbers[#a + 1 - i]) end
print(table.concat(a, ",", 1, 20), a[#a])
print(pcall(table.sort, { 3, 1, "x" }))
