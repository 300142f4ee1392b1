local function main(value)
  return value
end

return { main = main }
