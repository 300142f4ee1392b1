-- `local f = function … end` of an application without types: in its body f is the function, as with
-- `local function f`, unless a local of that name is visible already. Lua's compiler takes it for a global there, which
-- no application means.
local find, load, match, sub = string.find, load, string.match, string.sub

-- Characters before `function` among which `local NAME =` is looked for.
local MOST_HEAD <const> = 128

-- Whether there may be such a function whose name is no global; the host reads the text only then.
local function may_be_in(text, is_known)
  local at = find(text, "function", 1, true)
  while at do
    local start = at > MOST_HEAD and at - MOST_HEAD or 1
    local name = match(sub(text, start, at - 1), "%f[%w_]local%s+([%a_][%w_]*)%s*=%s*$")
    if name and not is_known(name) then
      return true
    end
    at = find(text, "function", at + 8, true)
  end
  return false
end

--- The text in which such functions are declared before their bodies, with the same lines; the text itself where there
--- are none. `is_known(name)`: whether a global is there, which the body means then.
return function(text, name, is_known)
  if not may_be_in(text, is_known) or not load(text, "=" .. name, "t", {}) then
    return text
  end
  local found = host.pure("language.self_calls", text)
  for i = #found, 1, -1 do
    local place = found[i]
    if not is_known(place.name) then
      text = sub(text, 1, place.last) .. "; " .. place.name .. sub(text, place.last + 1)
    end
  end
  return text
end
