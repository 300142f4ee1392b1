io.write("no newline")
error(setmetatable({}, { __tostring = function() return "my error object" end }))
