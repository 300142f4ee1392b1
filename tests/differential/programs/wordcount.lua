local counts, lines, words, bytes = {}, 0, 0, 0
for line in io.lines() do
  lines, bytes = lines + 1, bytes + #line + 1
  for word in line:gmatch("%a+") do
    words = words + 1
    word = word:lower()
    counts[word] = (counts[word] or 0) + 1
  end
end
local list = {}
for word, n in pairs(counts) do list[#list + 1] = { word, n } end
table.sort(list, function(a, b) return a[2] > b[2] or a[2] == b[2] and a[1] < b[1] end)
print(lines, words, bytes)
for i = 1, math.min(5, #list) do print(("%-6s %d"):format(list[i][1], list[i][2])) end
