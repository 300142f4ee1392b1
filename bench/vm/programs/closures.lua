local function counter()
  local count = 0
  return function(d)
    count = count + d
    return count
  end
end

return function(n)
  local sum = 0
  for i = 1, n do
    local add = counter()
    add(1)
    add(2)
    sum = sum + add(i)
  end
  return sum
end
