local function parse_line(line)
  local fields, at = {}, 1
  while true do
    if line:sub(at, at) == '"' then
      local text, i = "", at
      repeat
        local start, stop, piece, quote = line:find('^"(.-)"("?)', i)
        text = text .. piece
        i = stop + 1
        if quote == '"' then text = text .. '"' i = stop end
      until quote == ""
      fields[#fields + 1] = text
      at = line:find(",", i, true)
    else
      local comma = line:find(",", at, true)
      fields[#fields + 1] = line:sub(at, (comma or 0) - 1)
      at = comma
    end
    if not at then return fields end
    at = at + 1
  end
end
local header, total = parse_line(io.read()), 0
for line in io.lines() do
  local row = {}
  for i, v in ipairs(parse_line(line)) do row[header[i]] = v end
  total = total + (tonumber(row.price) or 0) * (tonumber(row.count) or 0)
  print(row.name, row.price, row.count)
end
print(("total %.2f"):format(total))
