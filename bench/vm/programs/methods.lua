local Account = {}
Account.__index = Account

function Account.new(x)
  return setmetatable({ x = x, n = 0 }, Account)
end

function Account:add(d)
  self.x = self.x + d
  self.n = self.n + 1
  return self
end

function Account:get()
  return self.x
end

return function(n)
  local account = Account.new(1)
  local sum = 0
  for i = 1, n do
    account:add(i)
    sum = sum + account:get() % 10
  end
  return sum + account.n
end
