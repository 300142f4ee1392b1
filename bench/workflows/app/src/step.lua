local function main(value)
  return value + 1
end

return { main = main }
