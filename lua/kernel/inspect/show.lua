-- Values as a person reads them: tables with their contents, texts in quotes. What is long, deep or wide is cut.
local use = ...
local tostring = use("kernel/core/stable").tostring
local metatable_of = debug.getmetatable
local before = use("kernel/inspect/key_order")
local object = use("kernel/core/object")
local view = use("kernel/core/view")

local SHORT <const> = 12
local WIDTH <const>, DEPTH <const>, ITEMS <const>, TEXT <const> = 78, 4, 50, 2000
-- Of a table with more keys, some are shown, in no order that means anything.
local KEYS <const> = 1000

local escapes = { ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t", ['"'] = '\\"', ["\\"] = "\\\\" }

local function escape(char)
  return escapes[char] or string.format("\\x%02x", char:byte())
end

local function quoted(text)
  local cut = #text > TEXT and ("… (" .. #text .. " bytes)") or ""
  text = text:sub(1, TEXT)
  -- Valid UTF-8 is shown as it is; of other text only what is printable.
  local odd = utf8.len(text) and '[%c"\\]' or '[%c"\\\x80-\xff]'
  return '"' .. text:gsub(odd, escape) .. '"' .. cut
end

local function function_name(fn)
  local info = debug.getinfo(fn, "S")
  if info.what == "C" or info.source:sub(1, 5) == "=lua/" then
    return "function"
  end
  return "function (" .. info.short_src .. ":" .. info.linedefined .. ")"
end

-- Keys and values as `next` gives them; a frozen table hands its own out.
local function each(t, meta)
  if meta and (meta.__metatable == false or view.about(meta) ~= nil) and meta.__pairs then
    return meta.__pairs(t)
  end
  return next, t
end

-- Parts that are short share lines.
local function lines(parts, inner)
  local text, column = { parts[1] }, #parts[1]
  for i = 2, #parts do
    local part = parts[i]
    local fits = #part <= SHORT and #parts[i - 1] <= SHORT and column + #part + 2 < WIDTH - #inner
    text[#text + 1] = (fits and ", " or ",\n" .. inner) .. part
    column = fits and column + #part + 2 or #part
  end
  return table.concat(text)
end

local show_value

local function show_key(key, seen)
  if type(key) == "string" and key:find("^[%a_][%w_]*$") then
    return key
  end
  return "[" .. show_value(key, DEPTH, seen, "") .. "]"
end

local function show_table(t, depth, seen, indent)
  local meta = metatable_of(t)
  local kind = meta and rawget(meta, "__tostring") and "text"
    or meta and meta[1] == true and "object"
  if kind == "text" or kind == "object" then
    local ok, text = pcall(tostring, t)
    return ok and tostring(text) or "table"
  elseif seen[t] then
    return "<cycle>"
  elseif depth >= DEPTH then
    return next(t) == nil and "{}" or "{…}"
  end
  seen[t] = true
  local parts, inner = {}, indent .. "  "
  local length = 0
  for i = 1, ITEMS do
    local value = rawget(t, i)
    if value == nil then
      break
    end
    length = i
    parts[i] = show_value(value, depth + 1, seen, inner)
  end
  local keys, more = {}, false
  local list = length == ITEMS and rawlen(t) or length
  for key in each(t, meta) do
    local listed = math.type(key) == "integer" and key >= 1 and key <= list
    if not listed then
      keys[#keys + 1] = key
    end
    if #keys == KEYS then
      more = true
      break
    end
  end
  if list > ITEMS then
    parts[#parts + 1] = "… " .. (list - ITEMS) .. " more"
  end
  table.sort(keys, before)
  for i = 1, math.min(#keys, ITEMS) do
    local key = keys[i]
    local value = meta and t[key] or rawget(t, key)
    parts[#parts + 1] = show_key(key, seen) .. " = " .. show_value(value, depth + 1, seen, inner)
  end
  if more then
    parts[#parts + 1] = "… more"
  elseif #keys > ITEMS then
    parts[#parts + 1] = "… " .. (#keys - ITEMS) .. " more"
  end
  seen[t] = nil
  if #parts == 0 then
    return "{}"
  end
  local line = "{ " .. table.concat(parts, ", ") .. " }"
  if #indent + #line <= WIDTH and not line:find("\n", 1, true) then
    return line
  end
  return "{\n" .. inner .. lines(parts, inner) .. ",\n" .. indent .. "}"
end

function show_value(value, depth, seen, indent)
  local kind = type(value)
  if kind == "string" then
    return quoted(value)
  elseif kind == "table" then
    return show_table(value, depth, seen, indent)
  elseif kind == "function" then
    return function_name(value)
  end
  return tostring(value)
end

--- The value as text for a person.
return function(value)
  if type(value) == "table" and object.is_defined(metatable_of(value)) then
    return tostring(value)
  end
  return show_value(value, 0, {}, "")
end
