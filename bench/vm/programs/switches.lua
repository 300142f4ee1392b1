return function(n)
  local resume = coroutine.wrap(function()
    while true do
      coroutine.yield()
    end
  end)
  for _ = 1, n do
    resume()
  end
  return n
end
