local function main(seconds, seed)
  return process.exec("soak:driver", "soak:processes", seconds, seed)
end

return { main = main }
