-- Fails for good.
local function main()
  return nil, "no"
end

return { main = main }
