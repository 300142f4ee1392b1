local function main(receiver, count)
  for round = 1, count do
    process.send(receiver, "data", round)
  end
end

return { main = main }
