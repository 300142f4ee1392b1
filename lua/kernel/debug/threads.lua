-- Numbers of coroutines, by which a debugger speaks of them.
local threads = {}

local numbers, last = setmetatable({}, { __mode = "k" }), 0

--- The number of a coroutine, which it keeps.
function threads.number(co)
  local number = numbers[co]
  if not number then
    last = last + 1
    number = last
    numbers[co] = number
  end
  return number
end

--- The coroutine that has a number; nil: there is none any more.
function threads.find(number)
  for co, known in pairs(numbers) do
    if known == number then
      return co
    end
  end
  return nil
end

return threads
