--- Takes COUNT signals.
local function main(count)
  local signals = process.listen("signal")
  for _ = 1, count do
    signals:receive()
  end
  return count
end

return { main = main }
