local text = "she sells sea shells by the sea shore"
local freq, nodes = {}, {}
for c in text:gmatch(".") do freq[c] = (freq[c] or 0) + 1 end
for c, n in pairs(freq) do nodes[#nodes + 1] = { n = n, min = c, c = c } end
local function less(a, b) return a.n < b.n or a.n == b.n and a.min < b.min end
while #nodes > 1 do
  table.sort(nodes, less)
  local a, b = table.remove(nodes, 1), table.remove(nodes, 1)
  nodes[#nodes + 1] = { n = a.n + b.n, min = a.min < b.min and a.min or b.min, a = a, b = b }
end
local codes = {}
local function walk(node, code) if node.c then codes[node.c] = code else walk(node.a, code .. "0") walk(node.b, code .. "1") end end
walk(nodes[1], "")
local bits = text:gsub(".", codes)
print(#bits, #text * 8, bits:sub(1, 40))
local out, node = {}, nodes[1]
for bit in bits:gmatch(".") do node = bit == "0" and node.a or node.b if node.c then out[#out + 1] = node.c node = nodes[1] end end
print(table.concat(out) == text)
