--- Module `treesitter`: syntax trees of source code, and queries that search them. They are plain data and hold nothing
-- open, so a workflow that parses again gets the same.
-- @workflows yes
-- @sandbox yes
local runtime = ...
local check, errors = runtime.check, runtime.errors
local object = runtime.use("kernel/core/object")
local pure = runtime.use("library/crossing", runtime)
local trees = runtime.use("library/syntax_tree", runtime)
local node_of = trees.node_of

local treesitter = {}

local query_methods = {}
local new_query, query_of = object.opaque("treesitter.Query", query_methods)

local function invalid(message)
  return nil, errors.fail("Invalid", message)
end

--- The names of all languages, sorted.
function treesitter.languages()
  return (pure("treesitter.languages"))
end

--- Parses a text: `Tree, nil` or `nil, err` (Invalid).
function treesitter.parse(language, text)
  return trees.parsed(check.string(language, 1, "parse"), check.string(text, 2, "parse"))
end

--- Compiles a query: `Query, nil` or `nil, err` (Invalid).
function treesitter.query(language, source)
  check.string(language, 1, "query")
  check.string(source, 2, "query")
  local data, err = pure("treesitter.query", language, source)
  if not data then
    return nil, err
  end
  data.language, data.source = language, source
  return new_query(data)
end

--- The names of its captures.
function query_methods:capture_names()
  return table.move(query_of(self).captures, 1, #query_of(self).captures, 1, {})
end

--- How many patterns it has.
function query_methods:pattern_count()
  return #query_of(self).properties
end

-- What a query finds in a tree or below a node, in the order in which it finds it.
local function find(self, where, options, name)
  local node
  if object.is("treesitter.Tree", where) then
    node = node_of(where:root())
  elseif object.is("treesitter.Node", where) then
    node = node_of(where)
  else
    check.fail(2, name, "Tree or Node", where)
  end
  if options ~= nil then
    check.table(options, 3, name)
  end
  local query, tree = query_of(self), node.tree
  if query.language ~= tree.language then
    return invalid("the query is for " .. query.language .. ", the tree is of " .. tree.language)
  end
  local range = { node = node.index - 1 }
  for field, option in pairs({ start = "start_byte", ["end"] = "end_byte" }) do
    local byte = options and options[option]
    if byte ~= nil then
      range[field] = math.tointeger(byte)
      if not range[field] or range[field] < 0 then
        return invalid(option .. " must be a byte, from 0")
      end
    end
  end
  local found, err = pure("treesitter.matches", tree.language, tree.text, query.source, range)
  if not found then
    return nil, err
  end
  local matches, at = {}, 0
  for i, pattern in ipairs(found.patterns) do
    local captures = {}
    for j = 1, found.counts[i] do
      at = at + 1
      local index = found.nodes[at]
      captures[j] = { name = query.captures[found.names[at]], node = trees.node_at(tree, index) }
    end
    local properties = {}
    for key, value in pairs(query.properties[pattern + 1]) do
      properties[key] = value
    end
    matches[i] = { pattern = pattern, captures = captures, properties = properties }
  end
  return matches
end

--- All matches in a tree or below a node: `{ { pattern, captures = { { name, node }, … }, properties }, … }, nil`, or
--- `nil, err` (Invalid).
function query_methods:matches(where, options)
  return find(self, where, options, "matches")
end

--- All captures in the order of the text: `{ { name, node, pattern }, … }, nil`, or `nil, err` (Invalid).
function query_methods:captures(where, options)
  local matches, err = find(self, where, options, "captures")
  if not matches then
    return nil, err
  end
  local list, order = {}, {}
  for _, match in ipairs(matches) do
    for _, capture in ipairs(match.captures) do
      capture.pattern = match.pattern
      list[#list + 1] = capture
      order[capture] = #list
    end
  end
  table.sort(list, function(a, b)
    local one, other = node_of(a.node).index, node_of(b.node).index
    if one ~= other then
      return one < other
    end
    return order[a] < order[b]
  end)
  return list
end

return treesitter
