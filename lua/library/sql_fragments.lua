--- Fragments of SQL with their parameters, conditions made of them, and forms of placeholders: what query builders
--- put together.
local use = ...
local object = use("kernel/core/object")
local tostring = use("kernel/core/stable").tostring
local values = use("library/sql_values")

local concat = table.concat

-- Fragments: a text with question marks and its parameters.
local make_fragment, fragment_of = object.opaque("sql.Fragment", {})

local function fragment(text, args)
  return make_fragment({ text = text, args = args or {} })
end

local function failed(message)
  return make_fragment({ failure = message })
end

local function is_fragment(value)
  return object.is("sql.Fragment", value)
end

local function append(list, more)
  for i = 1, more.n or #more do
    local value = more[i]
    -- A nil would be a hole.
    list[#list + 1] = value == nil and values.NULL or value
  end
end

local function sorted_keys(columns)
  local keys = {}
  for key in pairs(columns) do
    keys[#keys + 1] = tostring(key)
  end
  table.sort(keys)
  return keys
end

-- A condition for each column of a table, in the order of their names.
local function compare(columns, one)
  local parts, args = {}, {}
  for _, column in ipairs(sorted_keys(columns)) do
    local text, value, failure = one(column, columns[column])
    if failure then
      return failed(failure)
    end
    parts[#parts + 1] = text
    if value ~= nil then
      args[#args + 1] = value
    end
  end
  if #parts == 0 then
    return fragment("(1=1)")
  end
  return fragment(concat(parts, " AND "), args)
end

local function equality(operator, for_null)
  return function(columns)
    return compare(columns, function(column, value)
      if values.is_null(value) then
        return column .. " IS " .. for_null
      end
      return column .. " " .. operator .. " ?", value
    end)
  end
end

local function comparison(operator)
  return function(columns)
    return compare(columns, function(column, value)
      if values.is_null(value) then
        return nil, nil, "cannot compare " .. column .. " " .. operator .. " NULL"
      end
      return column .. " " .. operator .. " ?", value
    end)
  end
end

local conditions = {
  eq = equality("=", "NULL"),
  not_eq = equality("<>", "NOT NULL"),
  lt = comparison("<"),
  lte = comparison("<="),
  gt = comparison(">"),
  gte = comparison(">="),
  like = comparison("LIKE"),
  not_like = comparison("NOT LIKE"),
}

-- What `where` and its like take: a text with arguments, a table of columns, a condition.
local function condition_of(name, value, ...)
  if is_fragment(value) then
    return value
  elseif type(value) == "string" then
    return fragment(value, table.pack(...))
  elseif host.type(value) == "table" then
    return conditions.eq(value)
  end
  return failed(name .. ": a condition is a text, a table of columns or a condition object")
end

local function junction(operator, nothing)
  return function(list)
    local parts, args = {}, {}
    for _, item in ipairs(list) do
      local content = fragment_of(condition_of("and_, or_", item))
      if content.failure then
        return failed(content.failure)
      end
      parts[#parts + 1] = content.text
      append(args, content.args)
    end
    if #parts == 0 then
      return fragment(nothing)
    end
    return fragment("(" .. concat(parts, operator) .. ")", args)
  end
end

-- Placeholder formats.
local make_format, format_of = object.opaque("sql.PlaceholderFormat", {})
local QUESTION <const> = make_format({ prefix = false })
local DOLLAR <const> = make_format({ prefix = "$" })
local AT <const> = make_format({ prefix = "@p" })
local COLON <const> = make_format({ prefix = ":" })

-- Numbers the placeholders; `??` is a question mark that is none.
local function numbered(text, format)
  local prefix = format_of(format).prefix
  if not prefix then
    return text
  end
  local number = 0
  return (
    text:gsub("%?%??", function(found)
      if found == "??" then
        return "?"
      end
      number = number + 1
      return prefix .. number
    end)
  )
end

return {
  new = fragment,
  content = fragment_of,
  is = is_fragment,
  append = append,
  sorted_keys = sorted_keys,
  conditions = conditions,
  condition_of = condition_of,
  all_of = junction(" AND ", "(1=1)"),
  any_of = junction(" OR ", "(1=0)"),
  QUESTION = QUESTION,
  DOLLAR = DOLLAR,
  AT = AT,
  COLON = COLON,
  numbered = numbered,
}
