--- Module `base64`: bytes as text and back, with the standard alphabet and padding.
-- @workflows yes
-- @sandbox yes
local runtime = ...
local errors, pure = runtime.errors, runtime.pure

local base64 = {}

local function convert(operation)
  return function(text)
    if type(text) ~= "string" then
      return nil, errors.fail("Invalid", "a string is expected, got " .. host.type(text))
    end
    return pure(operation, text)
  end
end

--- Returns bytes in Base64: `string, nil` or `nil, err` (Invalid).
base64.encode = convert("base64.encode")

--- Returns the bytes that Base64 stands for: `string, nil` or `nil, err` (Invalid).
base64.decode = convert("base64.decode")

return base64
