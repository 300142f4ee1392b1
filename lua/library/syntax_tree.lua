-- Syntax trees of the module `treesitter`. The host parses a text into plain data; trees and nodes are views of it.
local runtime = ...
local check, errors = runtime.check, runtime.errors
local object = runtime.use("kernel/core/object")
local pure = runtime.use("library/crossing", runtime)
local unpack_record = string.unpack

-- A record of a node: start and end byte, parent, the node after this one and all inside, kind and flags, field.
-- Nodes, kinds and fields count from 1, 0 is none.
local RECORD <const>, SIZE <const> = "<I4I4I4I4I2I2I4", 24
local NAMED <const>, MISSING <const>, FAULTY <const> = 1, 2, 4

local tree_methods, node_methods = {}, {}
local new_tree, tree_of = object.opaque("treesitter.Tree", tree_methods)
local new_node, node_of = object.opaque("treesitter.Node", node_methods, {
  __tostring = function(self)
    return "treesitter.Node(" .. self:kind() .. ")"
  end,
})

local function invalid(message)
  return nil, errors.fail("Invalid", message)
end

local function record(tree, index)
  return unpack_record(RECORD, tree.nodes, (index - 1) * SIZE + 1)
end

-- The node of an index, the same object each time; nil for 0.
local function node_at(tree, index)
  if index == 0 then
    return nil
  end
  local node = tree.known[index]
  if not node then
    local first, last, parent, next, kind, flags, field = record(tree, index)
    node = new_node({
      tree = tree,
      index = index,
      first = first,
      last = last,
      parent = parent,
      next = next,
      kind = tree.kinds[kind],
      flags = flags,
      field = tree.fields[field],
    })
    tree.known[index] = node
  end
  return node
end

local function is_named(node)
  return node.flags & NAMED ~= 0
end

-- Calls `visit(child, data)` for each child until it returns something.
local function each_child(node, visit)
  local tree = node.tree
  local index = node.index + 1
  while index < node.next do
    local child = node_at(tree, index)
    local data = node_of(child)
    local found = visit(child, data)
    if found ~= nil then
      return found
    end
    index = data.next
  end
  return nil
end

-- Byte at which each row begins, from 0.
local function rows_of(tree)
  local rows = tree.rows
  if not rows then
    rows = { 0 }
    local at = tree.text:find("\n", 1, true)
    while at do
      rows[#rows + 1] = at
      at = tree.text:find("\n", at + 1, true)
    end
    tree.rows = rows
  end
  return rows
end

local function point_of(tree, byte)
  local rows = rows_of(tree)
  local low, high = 1, #rows
  while low < high do
    local middle = (low + high + 1) // 2
    if rows[middle] <= byte then
      low = middle
    else
      high = middle - 1
    end
  end
  return { row = low - 1, column = byte - rows[low] }
end

-- The byte of a point; nil for a row that the text does not have.
local function byte_of(tree, point, n, name)
  if
    type(point) ~= "table"
    or not math.tointeger(point.row)
    or not math.tointeger(point.column)
  then
    check.fail(n, name, "a point { row =, column = }", point)
  end
  local start = rows_of(tree)[math.tointeger(point.row) + 1]
  return start and start + math.tointeger(point.column)
end

local function parsed(language, text)
  local data, err = pure("treesitter.parse", language, text)
  if not data then
    return nil, err
  end
  data.language, data.text, data.known = language, text, {}
  return new_tree(data)
end

--- The name of its language.
function tree_methods:language()
  return tree_of(self).language
end

--- The text that was parsed.
function tree_methods:text()
  return tree_of(self).text
end

--- The node that holds all others.
function tree_methods:root()
  return node_at(tree_of(self), 1)
end

tree_methods.root_node = tree_methods.root

--- The tree of the text with another text in place of some bytes: `Tree, nil` or `nil, err`.
function tree_methods:edit(change)
  check.table(change, 2, "edit")
  local tree = tree_of(self)
  local first, last = math.tointeger(change.start_byte), math.tointeger(change.old_end_byte)
  if not first or not last or first < 0 or last < first or last > #tree.text then
    return invalid("start_byte and old_end_byte must be bytes of the text, in this order")
  elseif type(change.new_text) ~= "string" then
    return invalid("new_text must be a string")
  end
  return parsed(
    tree.language,
    tree.text:sub(1, first) .. change.new_text .. tree.text:sub(last + 1)
  )
end

--- What the grammar calls the node, such as "function_declaration"; of an anonymous one its text.
function node_methods:kind()
  return node_of(self).kind
end

node_methods.type = node_methods.kind

--- Whether the grammar names it, and it is not punctuation or a word of the language.
function node_methods:is_named()
  return is_named(node_of(self))
end

--- Whether the parser put it in because the text lacks it.
function node_methods:is_missing()
  return node_of(self).flags & MISSING ~= 0
end

--- Whether it holds what the parser could not read.
function node_methods:is_error()
  return node_of(self).kind == "ERROR"
end

--- Whether there is an error in it.
function node_methods:has_error()
  return node_of(self).flags & FAULTY ~= 0
end

--- Where it begins, in bytes from 0.
function node_methods:start_byte()
  return node_of(self).first
end

--- Where it ends: the byte behind it.
function node_methods:end_byte()
  return node_of(self).last
end

--- Where it begins: `{ row, column }`, both from 0, the column in bytes.
function node_methods:start_point()
  local node = node_of(self)
  return point_of(node.tree, node.first)
end

--- Where it ends, in the same way.
function node_methods:end_point()
  local node = node_of(self)
  return point_of(node.tree, node.last)
end

--- Its part of the text.
function node_methods:text()
  local node = node_of(self)
  return node.tree.text:sub(node.first + 1, node.last)
end

--- The node around it; nil for the root.
function node_methods:parent()
  local node = node_of(self)
  return node_at(node.tree, node.parent)
end

--- The name of the field that it is for its parent, or nil.
function node_methods:field_name()
  return node_of(self).field
end

local function children(node, only_named)
  local list = {}
  each_child(node, function(child, data)
    if not only_named or is_named(data) then
      list[#list + 1] = child
    end
  end)
  return list
end

--- The nodes directly inside.
function node_methods:children()
  return children(node_of(self), false)
end

--- Those that are named.
function node_methods:named_children()
  return children(node_of(self), true)
end

local function nth_child(self, i, only_named, name)
  local left = check.integer(i, 2, name)
  if left < 0 then
    return nil
  end
  return each_child(node_of(self), function(child, data)
    if not only_named or is_named(data) then
      if left == 0 then
        return child
      end
      left = left - 1
    end
  end)
end

--- The child of a number, from 0, or nil.
function node_methods:child(i)
  return nth_child(self, i, false, "child")
end

--- The named child of a number, from 0, or nil.
function node_methods:named_child(i)
  return nth_child(self, i, true, "named_child")
end

--- How many children it has.
function node_methods:child_count()
  return #children(node_of(self), false)
end

--- How many named children it has.
function node_methods:named_child_count()
  return #children(node_of(self), true)
end

--- The first child of a field, or nil.
function node_methods:child_by_field_name(name)
  check.string(name, 2, "child_by_field_name")
  return each_child(node_of(self), function(child, data)
    return data.field == name and child or nil
  end)
end

--- All children of a field.
function node_methods:children_by_field_name(name)
  check.string(name, 2, "children_by_field_name")
  local list = {}
  each_child(node_of(self), function(child, data)
    if data.field == name then
      list[#list + 1] = child
    end
  end)
  return list
end

local function sibling(self, step, only_named)
  local node = node_of(self)
  if node.parent == 0 then
    return nil
  end
  local list = children(node_of(node_at(node.tree, node.parent)), false)
  local at
  for i, child in ipairs(list) do
    if child == self then
      at = i + step
      break
    end
  end
  while list[at] and only_named and not is_named(node_of(list[at])) do
    at = at + step
  end
  return list[at]
end

--- The node behind it in its parent, or nil.
function node_methods:next_sibling()
  return sibling(self, 1, false)
end

--- The node before it in its parent, or nil.
function node_methods:prev_sibling()
  return sibling(self, -1, false)
end

--- The next named one.
function node_methods:next_named_sibling()
  return sibling(self, 1, true)
end

--- The named one before.
function node_methods:prev_named_sibling()
  return sibling(self, -1, true)
end

--- How many nodes there are in it, with itself.
function node_methods:descendant_count()
  local node = node_of(self)
  return node.next - node.index
end

-- The smallest node in `self` that spans the bytes.
local function spanning(self, first, last, only_named)
  local node = node_of(self)
  if not first or not last or first < node.first or last > node.last or first > last then
    return nil
  end
  local found, current = nil, self
  while current do
    local data = node_of(current)
    if not only_named or is_named(data) then
      found = current
    end
    current = each_child(data, function(child, inner)
      -- Of two nodes that meet at a byte, the one that begins there.
      local ends = last == first and inner.last > first or last > first and inner.last >= last
      return inner.first <= first and ends and child or nil
    end)
  end
  return found
end

local function by_bytes(name, only_named)
  node_methods[name] = function(self, first, last)
    first = check.integer(first, 2, name)
    return spanning(self, first, last == nil and first or check.integer(last, 3, name), only_named)
  end
end

local function by_points(name, only_named)
  node_methods[name] = function(self, first, last)
    local tree = node_of(self).tree
    local from = byte_of(tree, first, 2, name)
    local to = from
    if last ~= nil then
      to = byte_of(tree, last, 3, name)
    end
    return spanning(self, from, to, only_named)
  end
end

--- The smallest node that spans the bytes from `start` to `end`.
by_bytes("descendant_for_byte_range", false)
--- The smallest named one.
by_bytes("named_descendant_for_byte_range", true)
--- The smallest node that spans what is between two points.
by_points("descendant_for_point_range", false)
--- The smallest named one.
by_points("named_descendant_for_point_range", true)

-- Appends the S-expression of a node; a deep tree has many levels, so what is left is kept in a list.
local function write_sexp(out, root)
  local stack = { root }
  while stack[1] do
    local item = table.remove(stack)
    if type(item) == "string" then
      out[#out + 1] = item
    else
      local data = node_of(item)
      local shown = is_named(data) or data.flags & MISSING ~= 0
      if #out > 0 then
        out[#out + 1] = " "
      end
      if data.field and item ~= root then
        out[#out + 1] = data.field .. ": "
      end
      if data.flags & MISSING ~= 0 then
        out[#out + 1] = "(MISSING " .. (is_named(data) and data.kind or '"' .. data.kind .. '"')
      elseif shown then
        out[#out + 1] = "(" .. data.kind
      end
      stack[#stack + 1] = ")"
      local list = children(data, false)
      for i = #list, 1, -1 do
        local inner = node_of(list[i])
        if is_named(inner) or inner.flags & MISSING ~= 0 then
          stack[#stack + 1] = list[i]
        end
      end
    end
  end
end

--- The named nodes as an S-expression.
function node_methods:sexp()
  local data = node_of(self)
  if not is_named(data) and data.flags & MISSING == 0 then
    return '("' .. data.kind .. '")'
  end
  local out = {}
  write_sexp(out, self)
  return table.concat(out)
end

node_methods.to_sexp = node_methods.sexp

return {
  --- The tree of a text: `Tree, nil` or `nil, err`.
  parsed = parsed,
  --- The content of a Tree.
  tree_of = tree_of,
  --- The content of a Node.
  node_of = node_of,
  --- The Node of a tree's content at an index from 1.
  node_at = node_at,
}
