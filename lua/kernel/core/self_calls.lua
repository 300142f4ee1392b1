-- `local f = function … end` of an application: in its body f is the function, as with `local function f`, unless a
-- local of that name is visible already. Lua's compiler takes it for a global there, which no application means.
local byte, char, dump, find, load, match, sub =
  string.byte, string.char, string.dump, string.find, load, string.match, string.sub

-- Bytes of a dump before its chunk.
local HEADER <const> = 32
-- Characters before `function` among which `local NAME =` is looked for, and of names that a dump shows in one way.
local MOST_HEAD <const>, MOST_NAME <const> = 128, 100

-- Whether a byte is a blank or ends a line.
local function is_blank(code)
  return code == 32 or code and code >= 9 and code <= 13
end

-- Where names of such functions end, and the names, which are no globals; from the last one to the first.
local function found_in(text, is_known)
  local found = {}
  local at = find(text, "function", 1, true)
  while at do
    local before = at - 1
    while is_blank(byte(text, before)) do
      before = before - 1
    end
    if byte(text, before) == 61 then
      local start = before > MOST_HEAD and before - MOST_HEAD or 1
      local name, past = match(sub(text, start, before), "%f[%w_]local%s+([%a_][%w_]*)()%s*=$")
      if name and #name <= MOST_NAME and not is_known(name) then
        table.insert(found, 1, { name = name, past = start + past - 1 })
      end
    end
    at = find(text, "function", at + 8, true)
  end
  return found
end

local function count(text, part)
  local n, _, past = 0, find(text, part, 1, true)
  while past do
    n = n + 1
    _, past = find(text, part, past + 1, true)
  end
  return n
end

-- A text as bytecode, with and without the names of variables.
local function compiled(text, name)
  local chunk = load(text, "=" .. name, "t", {})
  return chunk and { bare = dump(chunk, true), full = dump(chunk) }
end

-- A number of a dump: seven bits a byte, and the eighth on the last one. Second where it ends.
local function number_at(dumped, at)
  local value = 0
  while true do
    local code = byte(dumped, at)
    at = at + 1
    value = value << 7 | code & 127
    if code > 127 then
      return value, at
    end
  end
end

-- Where the constants of the chunk itself end in a dump without names: those of its functions are behind them.
local function past_constants(dumped)
  local size, at = number_at(dumped, HEADER + 1)
  at = at + math.max(0, size - 1)
  size, at = number_at(dumped, at)
  size, at = number_at(dumped, at)
  size, at = number_at(dumped, at + 3)
  size, at = number_at(dumped, at + 4 * size)
  for _ = 1, size do
    local kind = byte(dumped, at)
    at = at + 1
    if kind == 4 or kind == 20 then
      size, at = number_at(dumped, at)
      at = at + math.max(0, size - 1)
    elseif kind == 3 or kind == 19 then
      at = at + 8
    end
  end
  return at
end

-- How a dump shows a name.
local function shown(name)
  return char(128 + #name + 1) .. name
end

-- Whether in `after`, where the local is declared first, it is read where `before` reads a global: the name is no
-- constant of the body any more, or it is that of one more upvalue.
local function calls_itself(before, after, name)
  local part, changed = shown(name), name .. "; " .. name
  local reads = count(after.bare, part) < count(before.bare, part)
    or count(after.full, part) > count(before.full, part)
  -- Where a string has got longer, it only looks like such a function.
  return reads and count(after.full, changed) == count(before.full, changed)
end

local function declared_first(text, place)
  return sub(text, 1, place.past - 1) .. "; " .. place.name .. sub(text, place.past)
end

-- The places whose names are constants of some function, and the text with all these declared first.
local function candidates(text, before, places)
  local kept, inner = {}, past_constants(before)
  for _, place in ipairs(places) do
    if find(before, shown(place.name), inner, true) then
      kept[#kept + 1] = place
      text = declared_first(text, place)
    end
  end
  return kept, text
end

--- The text in which such functions call themselves, with the same lines; the text itself where there are none.
--- `is_known(name)`: whether a global is there, which the body means then.
return function(text, name, is_known)
  local places = found_in(text, is_known)
  local chunk = places[1] and load(text, "=" .. name, "t", {})
  if not chunk then
    return text
  end
  local bare = dump(chunk, true)
  local kept, all = candidates(text, bare, places)
  local tried = kept[1] and compiled(all, name)
  if not tried then
    return text
  end
  local before = { bare = bare, full = dump(chunk) }
  local seen = {}
  for _, place in ipairs(kept) do
    seen[place.name] = (seen[place.name] or 0) + 1
  end
  for _, place in ipairs(kept) do
    local edited = declared_first(text, place)
    local reads
    if seen[place.name] == 1 then
      reads = calls_itself(before, tried, place.name)
    else
      reads = calls_itself(compiled(text, name), compiled(edited, name), place.name)
    end
    text = reads and edited or text
  end
  return text
end
