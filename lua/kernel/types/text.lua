-- Types as text.
local use = ...
local shapes = use("kernel/types/shapes")
local tostring = use("kernel/core/stable").tostring

local text_of
local MOST_DEPTH <const> = 8

local function joined(list, separator, depth)
  local parts = {}
  for i, shape in ipairs(list) do
    parts[i] = text_of(shape, depth)
  end
  return table.concat(parts, separator)
end

local function fields_of(shape, depth)
  local parts = {}
  for i, field in ipairs(shape.fields) do
    local mark = field.optional and "?: " or ": "
    parts[i] = field.name .. mark .. text_of(field.type, depth)
  end
  return "{" .. table.concat(parts, ", ") .. "}"
end

local function in_parentheses(shape, depth)
  local text = text_of(shape, depth)
  local kind = shape.kind
  return (kind == "union" or kind == "intersection" or kind == "function") and "(" .. text .. ")"
    or text
end

local texts = {}

function texts.ref(shape, depth)
  return shape.name .. (shape.args[1] and "<" .. joined(shape.args, ", ", depth) .. ">" or "")
end

function texts.import(shape)
  return shape.module .. "." .. shape.name
end

function texts.literal(shape)
  return type(shape.value) == "string" and ("%q"):format(shape.value) or tostring(shape.value)
end

function texts.optional(shape, depth)
  return in_parentheses(shape.inner, depth) .. "?"
end

function texts.array(shape, depth)
  return "{" .. text_of(shape.inner, depth) .. "}"
end

function texts.map(shape, depth)
  return "{[" .. text_of(shape.key, depth) .. "]: " .. text_of(shape.value, depth) .. "}"
end

function texts.union(shape, depth)
  return joined(shape.members, " | ", depth)
end

function texts.intersection(shape, depth)
  return joined(shape.members, " & ", depth)
end

function texts.tuple(shape, depth)
  return "(" .. joined(shape.members, ", ", depth) .. ")"
end

texts.record, texts.interface = fields_of, fields_of

texts["function"] = function(shape, depth)
  local params = joined(shape.params, ", ", depth)
  if shape.vararg then
    params = params .. (params == "" and "" or ", ") .. "..." .. text_of(shape.vararg, depth)
  end
  local results = shape.results
  local result = #results == 1 and text_of(results[1], depth)
    or "(" .. joined(results, ", ", depth) .. ")"
  return "(" .. params .. ") -> " .. result
end

function texts.validated(shape, depth)
  return text_of(shape.inner, depth)
end

function texts.keyof(shape, depth)
  return "keyof(" .. text_of(shape.inner, depth) .. ")"
end

function texts.generic(shape)
  return shape.declared.name
end

--- The text of a shape as it is written: names stay names.
function text_of(shape, depth)
  depth = (depth or 0) + 1
  if depth > MOST_DEPTH then
    return "…"
  end
  local write = texts[shape.kind]
  if write then
    return write(shape, depth)
  elseif shape.name then
    return shape.name
  end
  return text_of(shapes.force(shape), depth)
end

return text_of
