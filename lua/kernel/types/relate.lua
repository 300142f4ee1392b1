-- Which types fit which: `fits(a, b)` when every value of type `a` is one of type `b`.
local use = ...
local shapes = use("kernel/types/shapes")
local bare = shapes.bare

local fits

local function fit_fields(a, b, seen)
  for _, wanted in ipairs(b.fields) do
    local given = a.by_name[wanted.name]
    if not given then
      if not wanted.optional and not fits(shapes.builtin["nil"], wanted.type, seen) then
        return false
      end
    elseif given.optional and not wanted.optional or not fits(given.type, wanted.type, seen) then
      return false
    end
  end
  return true
end

local function fit_function(a, b, seen)
  if #a.params ~= #b.params and not a.vararg or #a.results < #b.results then
    return false
  end
  for i, param in ipairs(b.params) do
    local own = a.params[i] or a.vararg
    if not own or not fits(param, own, seen) then
      return false
    end
  end
  for i, result in ipairs(b.results) do
    if not fits(a.results[i], result, seen) then
      return false
    end
  end
  return true
end

local function literal_fits(value, kind)
  local is = type(value)
  return kind == is or kind == "integer" and math.type(value) == "integer"
end

local function every(members, test)
  for _, member in ipairs(members) do
    if not test(member) then
      return false
    end
  end
  return true
end

local function some(members, test)
  for _, member in ipairs(members) do
    if test(member) then
      return true
    end
  end
  return false
end

local function fits_bare(a, b, seen)
  local from, to = a.kind, b.kind
  if a == b or from == "never" or to == "any" or to == "unknown" then
    return true
  elseif from == "union" then
    return every(a.members, function(member)
      return fits(member, b, seen)
    end)
  elseif from == "optional" then
    return fits(shapes.builtin["nil"], b, seen) and fits(a.inner, b, seen)
  elseif to == "intersection" then
    return every(b.members, function(member)
      return fits(a, member, seen)
    end)
  elseif to == "union" then
    return some(b.members, function(member)
      return fits(a, member, seen)
    end)
  elseif to == "optional" then
    return from == "nil" or fits(a, b.inner, seen)
  elseif from == "intersection" then
    return some(a.members, function(member)
      return fits(member, b, seen)
    end)
  elseif from == "literal" then
    return to == "literal" and a.value == b.value or literal_fits(a.value, to)
  elseif from == "integer" and to == "number" then
    return true
  elseif to == "table" then
    return from == "record" or from == "array" or from == "map" or from == "interface"
  elseif from == "array" and to == "array" then
    return fits(a.inner, b.inner, seen)
  elseif from == "array" and to == "map" then
    return fits(shapes.builtin.integer, b.key, seen) and fits(a.inner, b.value, seen)
  elseif from == "map" and to == "map" then
    return fits(a.key, b.key, seen)
      and fits(b.key, a.key, seen)
      and fits(a.value, b.value, seen)
      and fits(b.value, a.value, seen)
  elseif a.fields and b.fields then
    return fit_fields(a, b, seen)
  elseif from == "record" and (to == "array" or to == "map") then
    return a.fields[1] == nil
  elseif from == "function" and to == "function" then
    return fit_function(a, b, seen)
  end
  return from == to and a.name ~= nil and a.name == b.name
end

--- A pair that is being compared fits: types may mention themselves.
function fits(a, b, seen)
  a, b = bare(a), bare(b)
  seen = seen or {}
  local of_a = seen[a]
  if not of_a then
    of_a = {}
    seen[a] = of_a
  elseif of_a[b] then
    return true
  end
  of_a[b] = true
  local result = fits_bare(a, b, seen)
  of_a[b] = result or nil
  return result
end

shapes.connect(fits)
return fits
