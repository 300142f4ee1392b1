-- A recursive-descent parser and evaluator.
local function parse(text)
  local at = 1
  local function space() at = text:match("^%s*()", at) end
  local expression
  local function primary()
    space()
    local number, after = text:match("^(%d+%.?%d*)()", at)
    if number then at = after return { "num", tonumber(number) } end
    if text:sub(at, at) == "(" then
      at = at + 1
      local inner = expression()
      space()
      if text:sub(at, at) ~= ")" then error(("expected ')' at %d"):format(at), 0) end
      at = at + 1
      return inner
    end
    if text:sub(at, at) == "-" then at = at + 1 return { "neg", primary() } end
    error(("unexpected '%s' at %d"):format(text:sub(at, at), at), 0)
  end
  local function binary(next, operators, right)
    local function rule()
      local left = next()
      while true do
        space()
        local op = text:sub(at, at)
        if op == "" or not operators:find(op, 1, true) then return left end
        at = at + 1
        left = { op, left, (right and rule or next)() }
      end
    end
    return rule
  end
  expression = binary(binary(binary(primary, "^", true), "*/%"), "+-")
  local tree = expression()
  space()
  if at <= #text then error("rest: " .. text:sub(at), 0) end
  return tree
end
local ops = { ["+"] = function(a, b) return a + b end, ["-"] = function(a, b) return a - b end, ["*"] = function(a, b) return a * b end,
  ["/"] = function(a, b) return a / b end, ["%"] = function(a, b) return a % b end, ["^"] = function(a, b) return a ^ b end }
local function eval(t)
  if t[1] == "num" then return t[2] elseif t[1] == "neg" then return -eval(t[2]) end
  return ops[t[1]](eval(t[2]), eval(t[3]))
end
for _, text in ipairs({ "1 + 2 * 3", "(1 + 2) * 3", "2 ^ 3 ^ 2", "-4 % 3", "10 / 4 - 1.5", "7 % 0", "1 +", "(2", "2 $ 3", "1/0" }) do
  print(text, select(2, pcall(function() return eval(parse(text)) end)))
end
