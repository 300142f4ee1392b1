--- Query builders: each call returns a new one, and `to_sql` makes the text and its parameters.
-- See docs/reference/modules/sql.md.
local use = ...
local check = use("kernel/core/check")
local errors = use("kernel/core/errors")
local object = use("kernel/core/object")
local fragments = use("library/sql_fragments")
local values = use("library/sql_values")

local concat = table.concat
local fragment, fragment_of, is_fragment = fragments.new, fragments.content, fragments.is
local append, sorted_keys = fragments.append, fragments.sorted_keys
local condition_of, numbered = fragments.condition_of, fragments.numbered
local QUESTION <const>, DOLLAR <const> = fragments.QUESTION, fragments.DOLLAR

local function invalid(message)
  return errors.fail("Invalid", message)
end

-- A text under construction.
local function new_text()
  local parts, args = {}, {}
  local text = {}
  function text.add(part, more)
    parts[#parts + 1] = part
    if more then
      append(args, more)
    end
  end
  -- Fragments, one after the other; the first failure is returned.
  function text.all(before, list, separator, after)
    if #list == 0 then
      return nil
    end
    local texts = {}
    for i, item in ipairs(list) do
      local content = fragment_of(item)
      if content.failure then
        return content.failure
      end
      texts[i] = content.text
      append(args, content.args)
    end
    parts[#parts + 1] = before .. concat(texts, separator) .. (after or "")
    return nil
  end
  function text.finish()
    return concat(parts, " "), args
  end
  return text
end

-- Lists and settings of a builder. A copy has lists of its own.
local LISTS <const> =
  { "columns", "joins", "where", "group", "having", "order", "prefix", "suffix", "options", "rows" }

local function empty_state(kind)
  local state = { kind = kind, format = QUESTION, sets = {}, from_args = {} }
  for _, name in ipairs(LISTS) do
    state[name] = {}
  end
  return state
end

local function copy_state(state)
  local copy = {}
  for key, value in pairs(state) do
    copy[key] = value
  end
  for _, name in ipairs(LISTS) do
    copy[name] = table.move(state[name], 1, #state[name], 1, {})
  end
  copy.sets = table.move(state.sets, 1, #state.sets, 1, {})
  return copy
end

local builder = {}
local kinds = {}
local run_executor

-- A kind of builder: `methods` get a copy of the state, which they change, and return nothing.
local function define(name, write)
  local methods = {}
  local make, state_of
  make, state_of = object.opaque(name, methods, {
    __tostring = function(self)
      local text = write(state_of(self))
      return text or name
    end,
  })
  local kind = { make = make, state_of = state_of, write = write }
  kinds[name] = kind

  --- The text and the list of its parameters; `nil, err` (Invalid).
  local function to_sql(self)
    local text, args, failure = write(state_of(self))
    if not text then
      return nil, invalid(failure)
    end
    return numbered(text, state_of(self).format), args
  end
  methods.to_sql = to_sql

  --- An Executor of the query on a DB or a Transaction.
  function methods:run_with(runner)
    return run_executor(runner, function(postgres)
      local text, args, failure = write(state_of(self))
      if not text then
        return nil, nil, invalid(failure)
      end
      return numbered(text, postgres and DOLLAR or state_of(self).format), args
    end)
  end

  local function add(method, change)
    methods[method] = function(self, ...)
      local copy = copy_state(state_of(self))
      change(copy, ...)
      return make(copy)
    end
  end
  add("placeholder_format", function(state, format)
    if not object.is("sql.PlaceholderFormat", format) then
      check.fail(1, "placeholder_format", "placeholder format", format)
    end
    state.format = format
  end)
  return add, make, state_of
end

local function add_fragments(add, method, list)
  add(method, function(state, value, ...)
    local found = is_fragment(value) and value
      or fragment(check.string(value, 1, method), table.pack(...))
    local target = state[list]
    target[#target + 1] = found
  end)
end

local function add_conditions(add, method)
  add(method, function(state, value, ...)
    local target = state[method]
    target[#target + 1] = condition_of(method, value, ...)
  end)
end

local function add_names(add, method, list)
  add(method, function(state, ...)
    local target = state[list]
    for i = 1, select("#", ...) do
      local value = select(i, ...)
      target[#target + 1] = is_fragment(value) and value or fragment(check.string(value, i, method))
    end
  end)
end

local function add_limits(add)
  for _, method in ipairs({ "limit", "offset" }) do
    add(method, function(state, count)
      state[method] = math.max(0, check.integer(count, 1, method))
    end)
  end
end

local function write_limits(text, state)
  if state.limit then
    text.add("LIMIT " .. state.limit)
  end
  if state.offset then
    text.add("OFFSET " .. state.offset)
  end
end

-- SELECT

local function write_select(state)
  local text = new_text()
  if #state.columns == 0 then
    return nil, nil, "select needs columns"
  end
  local failure = text.all(state.distinct and "SELECT DISTINCT " or "SELECT ", state.columns, ", ")
  if state.from then
    text.add("FROM " .. state.from)
  end
  failure = failure
    or text.all("", state.joins, " ")
    or text.all("WHERE ", state.where, " AND ")
    or text.all("GROUP BY ", state.group, ", ")
    or text.all("HAVING ", state.having, " AND ")
    or text.all("ORDER BY ", state.order, ", ")
  if failure then
    return nil, nil, failure
  end
  write_limits(text, state)
  failure = text.all("", state.suffix, " ")
  if failure then
    return nil, nil, failure
  end
  return text.finish()
end

local add, make_select = define("sql.Select", write_select)
add("from", function(state, table_name)
  state.from = check.string(table_name, 1, "from")
end)
for method, words in pairs({
  join = "JOIN ",
  left_join = "LEFT JOIN ",
  right_join = "RIGHT JOIN ",
  inner_join = "INNER JOIN ",
}) do
  add(method, function(state, text, ...)
    state.joins[#state.joins + 1] =
      fragment(words .. check.string(text, 1, method), table.pack(...))
  end)
end
add_conditions(add, "where")
add_conditions(add, "having")
add_names(add, "order_by", "order")
add_names(add, "group_by", "group")
add_names(add, "columns", "columns")
add_fragments(add, "suffix", "suffix")
add_limits(add)
add("distinct", function(state)
  state.distinct = true
end)

--- A SELECT of these columns.
function builder.select(...)
  local state = empty_state("select")
  for i = 1, select("#", ...) do
    local value = select(i, ...)
    state.columns[i] = is_fragment(value) and value or fragment(check.string(value, i, "select"))
  end
  return make_select(state)
end

-- A value in a list of values: a placeholder, or the text of an expression.
local function value_text(value, args)
  if is_fragment(value) then
    local content = fragment_of(value)
    append(args, content.args)
    return content.text, content.failure
  end
  args[#args + 1] = value == nil and values.NULL or value
  return "?"
end

-- INSERT

local function write_insert(state)
  local text = new_text()
  if not state.table then
    return nil, nil, "insert needs a table"
  elseif #state.rows == 0 and not state.query then
    return nil, nil, "insert needs values"
  end
  local failure = text.all("", state.prefix, " ")
  text.add("INSERT")
  failure = failure or text.all("", state.options, " ")
  text.add("INTO " .. state.table)
  if failure then
    return nil, nil, failure
  end
  failure = text.all("(", state.columns, ",", ")")
  if state.query then
    local found, args, why = write_select(state.query)
    if not found then
      return nil, nil, why
    end
    text.add(found, args)
  else
    local rows, args = {}, {}
    for i, row in ipairs(state.rows) do
      local parts = {}
      for at = 1, row.n do
        parts[at], failure = value_text(row[at], args)
        if failure then
          return nil, nil, failure
        end
      end
      rows[i] = "(" .. concat(parts, ",") .. ")"
    end
    text.add("VALUES " .. concat(rows, ","), args)
  end
  failure = failure or text.all("", state.suffix, " ")
  if failure then
    return nil, nil, failure
  end
  return text.finish()
end

local make_insert
add, make_insert = define("sql.Insert", write_insert)
add("into", function(state, table_name)
  state.table = check.string(table_name, 1, "into")
end)
add_names(add, "columns", "columns")
add("values", function(state, ...)
  state.rows[#state.rows + 1] = table.pack(...)
end)
add("set_map", function(state, columns)
  check.table(columns, 1, "set_map")
  local row = { n = 0 }
  state.columns = {}
  for i, column in ipairs(sorted_keys(columns)) do
    state.columns[i] = fragment(column)
    row[i], row.n = columns[column], i
  end
  state.rows = { row }
end)
add("select", function(state, query)
  if not object.is("sql.Select", query) then
    check.fail(1, "select", "select builder", query)
  end
  state.query = kinds["sql.Select"].state_of(query)
end)
add_fragments(add, "prefix", "prefix")
add_fragments(add, "suffix", "suffix")
add_names(add, "options", "options")

--- An INSERT into a table.
function builder.insert(table_name)
  local state = empty_state("insert")
  state.table = check.optional(check.string, table_name, 1, "insert")
  return make_insert(state)
end

-- UPDATE

-- What UPDATE and DELETE end with: which rows, how many, and the suffix.
local function finish_change(text, state)
  local failure = text.all("WHERE ", state.where, " AND ")
    or text.all("ORDER BY ", state.order, ", ")
  if failure then
    return nil, nil, failure
  end
  write_limits(text, state)
  failure = text.all("", state.suffix, " ")
  if failure then
    return nil, nil, failure
  end
  return text.finish()
end

local function write_update(state)
  local text = new_text()
  if not state.table then
    return nil, nil, "update needs a table"
  elseif #state.sets == 0 then
    return nil, nil, "update needs at least one set"
  end
  local parts, args = {}, {}
  for i, item in ipairs(state.sets) do
    local value, why = value_text(item.value, args)
    if why then
      return nil, nil, why
    end
    parts[i] = item.column .. " = " .. value
  end
  text.add("UPDATE " .. state.table)
  text.add("SET " .. concat(parts, ", "), args)
  if state.from then
    text.add("FROM " .. state.from)
  elseif state.query then
    local found, more, why = write_select(state.query)
    if not found then
      return nil, nil, why
    end
    text.add("FROM (" .. found .. ") AS " .. state.alias, more)
  end
  return finish_change(text, state)
end

local make_update
add, make_update = define("sql.Update", write_update)
add("table", function(state, table_name)
  state.table = check.string(table_name, 1, "table")
end)
add("set", function(state, column, value)
  check.string(column, 1, "set")
  state.sets[#state.sets + 1] = { column = column, value = value }
end)
add("set_map", function(state, columns)
  check.table(columns, 1, "set_map")
  for _, column in ipairs(sorted_keys(columns)) do
    state.sets[#state.sets + 1] = { column = column, value = columns[column] }
  end
end)
add("from", function(state, table_name)
  state.from, state.query = check.string(table_name, 1, "from"), nil
end)
add("from_select", function(state, query, alias)
  if not object.is("sql.Select", query) then
    check.fail(1, "from_select", "select builder", query)
  end
  state.query, state.from = kinds["sql.Select"].state_of(query), nil
  state.alias = check.string(alias, 2, "from_select")
end)
add_conditions(add, "where")
add_names(add, "order_by", "order")
add_fragments(add, "suffix", "suffix")
add_limits(add)

--- An UPDATE of a table.
function builder.update(table_name)
  local state = empty_state("update")
  state.table = check.optional(check.string, table_name, 1, "update")
  return make_update(state)
end

-- DELETE

local function write_delete(state)
  local text = new_text()
  if not state.from then
    return nil, nil, "delete needs a table"
  end
  text.add("DELETE FROM " .. state.from)
  return finish_change(text, state)
end

local make_delete
add, make_delete = define("sql.Delete", write_delete)
add("from", function(state, table_name)
  state.from = check.string(table_name, 1, "from")
end)
add_conditions(add, "where")
add_names(add, "order_by", "order")
add_fragments(add, "suffix", "suffix")
add_limits(add)

--- A DELETE from a table.
function builder.delete(table_name)
  local state = empty_state("delete")
  state.from = check.optional(check.string, table_name, 1, "delete")
  return make_delete(state)
end

--- A fragment of SQL with its parameters, for conditions and values.
function builder.expr(text, ...)
  return fragment(check.string(text, 1, "expr"), table.pack(...))
end

for name, make in pairs(fragments.conditions) do
  builder[name] = function(columns)
    return make(check.table(columns, 1, name))
  end
end

--- All of these conditions.
function builder.and_(list)
  return fragments.all_of(check.table(list, 1, "and_"))
end

--- One of these conditions at least.
function builder.or_(list)
  return fragments.any_of(check.table(list, 1, "or_"))
end

builder.question, builder.default_placeholder = QUESTION, QUESTION
builder.dollar, builder.at, builder.colon = DOLLAR, fragments.AT, fragments.COLON

--- Returns the builders; `executor(runner, write)` makes an Executor.
return function(executor)
  run_executor = executor
  return builder
end
