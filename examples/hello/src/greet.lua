-- A function: called with arguments, it returns a result and ends. Types are optional.
local function main(name: string): (string?, error?)
  if name == "" then
    return nil, errors.new({ message = "name is required", kind = errors.INVALID })
  end
  return "Hello, " .. name .. "!"
end

return { main = main }
