io.write("partial ")
local co = coroutine.wrap(function() pcall(function() io.write("line\n") os.exit(7) end) print("never") end)
co()
print("never")
