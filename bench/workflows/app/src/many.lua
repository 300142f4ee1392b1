--- Does `work(i)` for i from 1 to `count`, `at_once` at a time, and waits for all: each waits for the disk,
--- and side by side they share its commits.
local function many(count, at_once, work)
  local next_one = 0
  local done = channel.new(at_once)
  for _ = 1, at_once do
    coroutine.spawn(function()
      while next_one < count do
        next_one = next_one + 1
        work(next_one)
      end
      done:send(true)
    end)
  end
  for _ = 1, at_once do
    done:receive()
  end
end

return many
