-- A JSON reader and writer in Lua, with a round trip.
local escapes = { b = "\b", f = "\f", n = "\n", r = "\r", t = "\t" }
local function decode(s)
  local pos = 1
  local value
  local function fail(what) error(what .. " at " .. pos, 0) end
  local function skip() pos = s:find("%S", pos) or #s + 1 end
  local function str()
    local out = {}
    pos = pos + 1
    while true do
      local a, b = s:find('^[^"\\]+', pos)
      if a then out[#out + 1] = s:sub(a, b) pos = b + 1 end
      local c = s:sub(pos, pos)
      if c == '"' then pos = pos + 1 return table.concat(out)
      elseif c == "\\" then
        local e = s:sub(pos + 1, pos + 1)
        if e == "u" then out[#out + 1] = utf8.char(tonumber(s:sub(pos + 2, pos + 5), 16)) pos = pos + 6
        else out[#out + 1] = escapes[e] or e pos = pos + 2 end
      else fail("open string") end
    end
  end
  function value()
    skip()
    local c = s:sub(pos, pos)
    if c == "{" or c == "[" then
      local out, close = {}, c == "{" and "}" or "]"
      pos = pos + 1 skip()
      if s:sub(pos, pos) == close then pos = pos + 1 return out end
      repeat
        local key
        skip()
        if c == "{" then key = str() skip() if s:sub(pos, pos) ~= ":" then fail("no colon") end pos = pos + 1 else key = #out + 1 end
        out[key] = value()
        skip()
        local d = s:sub(pos, pos)
        pos = pos + 1
        if d ~= "," and d ~= close then fail("bad separator " .. d) end
      until d == close
      return out
    elseif c == '"' then return str() end
    for word, v in pairs({ ["true"] = true, ["false"] = false }) do
      if s:sub(pos, pos + #word - 1) == word then pos = pos + #word return v end
    end
    local num = s:match("^-?%d+%.?%d*[eE]?[+-]?%d*", pos)
    if num then pos = pos + #num return tonumber(num) end
    fail("unexpected " .. c)
  end
  return value()
end
local function encode(v)
  if type(v) ~= "table" then return type(v) == "string" and ("%q"):format(v):gsub("\\\n", "\\n") or tostring(v) end
  local parts = {}
  if #v > 0 then for _, x in ipairs(v) do parts[#parts + 1] = encode(x) end return "[" .. table.concat(parts, ",") .. "]" end
  local keys = {}
  for k in pairs(v) do keys[#keys + 1] = k end
  table.sort(keys)
  for _, k in ipairs(keys) do parts[#parts + 1] = encode(k) .. ":" .. encode(v[k]) end
  return "{" .. table.concat(parts, ",") .. "}"
end
local text = io.read("a")
local doc = decode(text)
print(encode(doc)) print(encode(decode(encode(doc))) == encode(doc), doc.list[3].deep, doc.unicode, #doc.unicode)
print(pcall(decode, '{"a" 1}')) print(pcall(decode, '["x')) print(pcall(decode, "[1 2]"))
