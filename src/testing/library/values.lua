-- How tests compare values and write them down.
local values = {}

-- The Error's text with its kind; nil for anything else.
local function error_text(value)
  if type(value) ~= "userdata" then
    return nil
  end
  local ok, text = pcall(function()
    local kind = value:kind()
    return (kind == "" and "" or kind .. ": ") .. value:message()
  end)
  return ok and text or nil
end
values.error_text = error_text

-- A pair of tables that is being compared counts as equal, so that cycles end.
local function same(left, right, seen)
  if left == right then
    return true
  end
  if type(left) ~= "table" or type(right) ~= "table" then
    local text = error_text(left)
    return text ~= nil and text == error_text(right)
  end
  if seen[left] == right then
    return true
  end
  seen[left] = right
  for key, value in pairs(left) do
    if not same(value, right[key], seen) then
      return false
    end
  end
  for key in pairs(right) do
    if left[key] == nil then
      return false
    end
  end
  return true
end

--- Whether two values are equal: tables by their contents, Errors by kind and message, anything else by `==`.
function values.equal(left, right)
  return same(left, right, {})
end

local plain_key = "^[%a_][%w_]*$"
local order = { number = 1, string = 2, boolean = 3 }

local function before(left, right)
  local one, other = order[type(left)] or 4, order[type(right)] or 4
  if one ~= other then
    return one < other
  elseif one <= 2 then
    return left < right
  end
  return tostring(left) < tostring(right)
end

local function quoted(text)
  return '"'
    .. text:gsub('[%c"\\]', function(character)
      local known = { ["\n"] = "\\n", ["\t"] = "\\t", ["\r"] = "\\r", ['"'] = '\\"', ["\\"] = "\\\\" }
      return known[character] or string.format("\\%03d", character:byte())
    end)
    .. '"'
end

-- Limit of output lines: longer output is of little use, and a test must end.
local MOST <const> = 2000

local function write(value, indent, out, path)
  if type(value) == "string" then
    out[#out + 1] = quoted(value)
  elseif type(value) ~= "table" then
    out[#out + 1] = error_text(value) or tostring(value)
  elseif path[value] then
    out[#out + 1] = "<cycle>"
  elseif next(value) == nil then
    out[#out + 1] = "{}"
  else
    path[value] = true
    local keys = {}
    for key in pairs(value) do
      keys[#keys + 1] = key
    end
    table.sort(keys, before)
    out[#out + 1] = "{\n"
    local inner = indent .. "  "
    for position, key in ipairs(keys) do
      if #out > MOST then
        out[#out + 1] = inner .. "…\n"
        break
      end
      local name = ""
      if key ~= position then
        local plain = type(key) == "string" and key:find(plain_key)
        name = (plain and key or "[" .. (type(key) == "string" and quoted(key) or tostring(key)) .. "]") .. " = "
      end
      out[#out + 1] = inner .. name
      write(value[key], inner, out, path)
      out[#out + 1] = ",\n"
    end
    out[#out + 1] = indent .. "}"
    path[value] = nil
  end
end

--- The value as Lua code, one field per line, keys in order.
function values.show(value)
  local out = {}
  write(value, "", out, {})
  return table.concat(out)
end

--- A value as it is compared with another line by line: a string breaks behind each line break that it has.
function values.show_lines(value)
  if type(value) ~= "string" then
    return values.show(value)
  end
  local out = {}
  for line in value:gmatch("[^\n]*\n?") do
    if line ~= "" then
      out[#out + 1] = quoted(line):sub(2, -2)
    end
  end
  return '"' .. table.concat(out, "\n") .. '"'
end

--- A raised value as text.
function values.text(value)
  return type(value) == "table" and values.show(value) or tostring(value)
end

return values
