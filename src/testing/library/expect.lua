-- `expect(value):to_equal(other)`: the expectations of a test. One that fails raises an Error of kind "Expectation",
-- whose details have both values as text if they can be compared.
local equal, show, error_text = values.equal, values.show, values.error_text

local matchers = {}

local function fail(message, expected, actual)
  error(errors.new({
    kind = "Expectation",
    message = message,
    details = { expected = expected, actual = actual },
  }))
end

-- Concludes an expectation: `met`, negated after `never`. `say(never)` returns message, expected, actual.
local function settle(self, met, say)
  if met == self.negated then
    fail(say(self.negated and "not " or ""))
  end
  return self
end

-- What an expectation demands of its own argument.
local function need(kind, value, name)
  if type(value) ~= kind then
    error("bad argument #1 to '" .. name .. "' (" .. kind .. " expected, got " .. type(value) .. ")", 3)
  end
end

local function one_line(value)
  local text = show(value):gsub(",\n%s*}", " }"):gsub("\n%s*", " ")
  -- A character is not cut in two.
  return #text <= 200 and text or text:sub(1, 199):gsub("[\xC0-\xFF][\x80-\xBF]*$", "") .. "…"
end

local function compare(name, meets)
  return function(self, other)
    local value = self.value
    return settle(self, meets(value, other), function(never)
      if never == "" and (type(value) == "table" or type(other) == "table" or type(value) == "string") then
        return "the values differ", values.show_lines(other), values.show_lines(value)
      end
      return one_line(value) .. " should " .. never .. name .. " " .. one_line(other)
    end)
  end
end

--- Equal: tables by their contents.
matchers.to_equal = compare("equal", equal)

local be = compare("be", rawequal)

--- The same: tables by identity.
function matchers:to_be(other)
  local value = self.value
  if self.negated or type(value) ~= "table" or rawequal(value, other) or not equal(value, other) then
    return be(self, other)
  end
  fail(one_line(value) .. " should be the same table; it is another one with equal contents")
end

local function is(name, meets)
  return function(self)
    return settle(self, meets(self.value), function(never)
      return one_line(self.value) .. " should " .. never .. "be " .. name
    end)
  end
end

matchers.to_be_nil = is("nil", function(value)
  return value == nil
end)
matchers.to_be_true = is("true", function(value)
  return value == true
end)
matchers.to_be_false = is("false", function(value)
  return value == false
end)
matchers.to_be_truthy = is("truthy", function(value)
  return not not value
end)

local function than(name, meets)
  return function(self, other)
    local value = self.value
    local comparable = type(value) == type(other) and (type(value) == "number" or type(value) == "string")
    return settle(self, comparable and meets(value, other), function(never)
      return one_line(value) .. " should " .. never .. "be " .. name .. " " .. one_line(other)
    end)
  end
end

matchers.to_be_greater_than = than("greater than", function(value, other)
  return value > other
end)
matchers.to_be_less_than = than("less than", function(value, other)
  return value < other
end)

--- A number within `tolerance` (default 1e-9).
function matchers:to_be_near(other, tolerance)
  need("number", other, "to_be_near")
  local value = self.value
  local near = type(value) == "number" and math.abs(value - other) <= (tolerance or 1e-9)
  return settle(self, near, function(never)
    return one_line(value) .. " should " .. never .. "be near " .. one_line(other)
  end)
end

--- Of a type, as `type` names it.
function matchers:to_be_a(name)
  need("string", name, "to_be_a")
  return settle(self, type(self.value) == name, function(never)
    return one_line(self.value) .. " should " .. never .. "be a " .. tostring(name)
  end)
end

--- Text in which a Lua pattern is found.
function matchers:to_match(pattern)
  need("string", pattern, "to_match")
  local text = type(self.value) == "string" and self.value or error_text(self.value)
  local sound, found = pcall(string.find, text or "", pattern)
  if not sound then
    error("bad argument #1 to 'to_match' (" .. tostring(found):gsub("^.-:%d+: ", "") .. ")", 2)
  end
  return settle(self, text ~= nil and found ~= nil, function(never)
    return one_line(self.value) .. " should " .. never .. "match " .. one_line(pattern)
  end)
end

local function contains(value, wanted)
  if type(value) == "string" then
    return type(wanted) == "string" and value:find(wanted, 1, true) ~= nil
  elseif type(value) ~= "table" then
    return false
  end
  for _, element in ipairs(value) do
    if equal(element, wanted) then
      return true
    end
  end
  return false
end

--- Text with this text in it, or a list with an equal element.
function matchers:to_contain(wanted)
  return settle(self, contains(self.value, wanted), function(never)
    return one_line(self.value) .. " should " .. never .. "contain " .. one_line(wanted)
  end)
end

--- A table that has these fields, and possibly others.
function matchers:to_have(fields)
  need("table", fields, "to_have")
  local value, met = self.value, type(self.value) == "table"
  for key, wanted in pairs(fields) do
    met = met and equal(value[key], wanted)
  end
  return settle(self, met, function(never)
    return "the value should " .. never .. "have the fields", show(fields), show(value)
  end)
end

function matchers:to_have_length(length)
  need("number", length, "to_have_length")
  local value = self.value
  local known = type(value) == "table" or type(value) == "string"
  return settle(self, known and #value == length, function(never)
    return one_line(value) .. " should " .. never .. "have the length " .. tostring(length)
  end)
end

--- A function that raises, or returns nil and an error: of this kind, or containing this text; any error if absent.
function matchers:to_fail(wanted)
  if type(self.value) ~= "function" then
    error("to_fail calls a function, got " .. one_line(self.value), 2)
  end
  local ok, value, err = pcall(self.value)
  local failed, cause = not ok, value
  if ok and not value and err ~= nil then
    failed, cause = true, err
  end
  local text = failed and (error_text(cause) or tostring(cause)) or nil
  local met = text ~= nil and (wanted == nil or errors.is(cause, wanted) or text:find(wanted, 1, true) ~= nil)
  return settle(self, met, function(never)
    local found = text and "failed with " .. text or "did not fail"
    local how = wanted and " with " .. tostring(wanted) or ""
    return "the function should " .. never .. "fail" .. how .. "; it " .. found
  end)
end

local function calls_of(self)
  local calls = type(self.value) == "table" and self.value.calls
  if type(calls) ~= "table" then
    fail("only what mock() returned can have been called; got " .. one_line(self.value))
  end
  return calls
end

local function times_text(count)
  return count == 1 and "once" or count .. " times"
end

--- A mock that was called: exactly `times` times, if given.
function matchers:to_have_been_called(times)
  local count = #calls_of(self)
  return settle(self, times == nil and count > 0 or count == times, function(never)
    local wanted = times and " " .. times_text(times) or ""
    local called = "; it was " .. (count == 0 and "not called" or "called " .. times_text(count))
    return self.value.id .. " should " .. never .. "have been called" .. wanted .. called
  end)
end

--- A mock that was called with these arguments.
function matchers:to_have_been_called_with(...)
  local wanted, calls = { ... }, calls_of(self)
  return settle(self, contains(calls, wanted), function(never)
    local said = self.value.id .. " should " .. never .. "have been called with"
    if #calls == 0 then
      return said .. " " .. one_line(wanted) .. "; it was not called"
    elseif #calls == 1 then
      return said, show(wanted), show(calls[1])
    end
    return said .. ", in one of " .. #calls .. " calls", show({ wanted }), show(calls)
  end)
end

local meta = {}

-- `expect(x).to_equal(y)`, with a point, has another value for `self`.
for name, matcher in pairs(matchers) do
  matchers[name] = function(self, ...)
    if getmetatable(self) ~= meta then
      error("expect(…)." .. name .. " is called with a colon: expect(…):" .. name .. "(…)", 2)
    end
    return matcher(self, ...)
  end
end

function meta.__index(self, name)
  if name == "value" then
    return nil
  elseif name == "never" then
    return setmetatable({ value = self.value, negated = not self.negated }, meta)
  end
  local matcher = matchers[name]
  if matcher == nil then
    error("expect(…) has no " .. tostring(name), 2)
  end
  return matcher
end

return function(value)
  return setmetatable({ value = value, negated = false }, meta)
end
