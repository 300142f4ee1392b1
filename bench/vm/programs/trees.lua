local function tree(depth)
  if depth == 0 then
    return {}
  end
  return { tree(depth - 1), tree(depth - 1) }
end

local function count(node)
  if not node[1] then
    return 1
  end
  return 1 + count(node[1]) + count(node[2])
end

return function(n)
  local total = 0
  for _ = 1, n do
    total = total + count(tree(10))
  end
  return total
end
