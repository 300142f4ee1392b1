local function main(parent)
  process.send(parent, "up")
  process.inbox():receive()
end

return { main = main }
