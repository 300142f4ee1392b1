local encode

local escapes = { ['"'] = '\\"', ["\\"] = "\\\\", ["\n"] = "\\n", ["\t"] = "\\t" }

local function quote(s)
  return '"' .. s:gsub('[%c"\\]', escapes) .. '"'
end

local function encode_list(list, out)
  out[#out + 1] = "["
  for i = 1, #list do
    if i > 1 then
      out[#out + 1] = ","
    end
    encode(list[i], out)
  end
  out[#out + 1] = "]"
end

local function encode_object(object, out)
  local keys = {}
  for key in pairs(object) do
    keys[#keys + 1] = key
  end
  table.sort(keys)
  out[#out + 1] = "{"
  for i, key in ipairs(keys) do
    if i > 1 then
      out[#out + 1] = ","
    end
    out[#out + 1] = quote(key)
    out[#out + 1] = ":"
    encode(object[key], out)
  end
  out[#out + 1] = "}"
end

function encode(value, out)
  local kind = type(value)
  if kind == "table" then
    if #value > 0 then
      encode_list(value, out)
    else
      encode_object(value, out)
    end
  elseif kind == "string" then
    out[#out + 1] = quote(value)
  else
    out[#out + 1] = tostring(value)
  end
end

return function(n)
  local order = {
    id = 4711,
    paid = true,
    customer = { name = "Ada Lovelace", city = "London", tags = { "new", "vip" } },
    lines = {},
  }
  for i = 1, 20 do
    order.lines[i] = { sku = "A-" .. i, amount = i, note = 'a "note"' }
  end
  local size = 0
  for _ = 1, n do
    local out = {}
    encode(order, out)
    size = size + #table.concat(out)
  end
  return size
end
