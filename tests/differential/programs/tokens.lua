-- A tokenizer for Lua itself, run over its own source.
local keywords = {} for k in ("and break do else elseif end false for function goto if in local nil not or repeat return then true until while"):gmatch("%a+") do keywords[k] = true end
local function tokens(src)
  return coroutine.wrap(function()
    local at = 1
    while at <= #src do
      local s = src:match("^%s+()", at)
      local c = src:match("^%-%-[^\n]*()", at)
      local name, n = src:match("^([%a_][%w_]*)()", at)
      local num, m = src:match("^(%d[%w.]*)()", at)
      local q = src:match("^(['\"])", at)
      if s then at = s elseif c then at = c
      elseif name then coroutine.yield(keywords[name] and "keyword" or "name", name) at = n
      elseif num then coroutine.yield("number", num) at = m
      elseif q then local i = at + 1 while src:sub(i, i) ~= q do if src:sub(i, i) == "\\" then i = i + 1 end i = i + 1 end coroutine.yield("string", src:sub(at, i)) at = i + 1
      else coroutine.yield("symbol", src:sub(at, at)) at = at + 1 end
    end
  end)
end
local f = assert(io.open(arg[0])) local src = f:read("a") f:close()
local counts, first = {}, {}
for kind, text in tokens(src) do counts[kind] = (counts[kind] or 0) + 1 if #first < 12 then first[#first + 1] = text end end
print(counts.keyword, counts.name, counts.string, counts.number, counts.symbol) print(table.concat(first, " "))
