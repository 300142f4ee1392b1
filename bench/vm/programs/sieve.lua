return function(n)
  local count = 0
  for _ = 1, n do
    local prime = {}
    for i = 1, 20000 do
      prime[i] = true
    end
    count = 0
    for i = 2, 20000 do
      if prime[i] then
        count = count + 1
        for j = i + i, 20000, i do
          prime[j] = false
        end
      end
    end
  end
  return count
end
