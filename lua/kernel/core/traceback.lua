-- Stacks as text, of which people see only their own code.
local raw_traceback = debug.traceback

--- A traceback without the frames of the kernel. `level` counts as in `debug.traceback`.
return function(thread, message, level)
  local lines = {}
  for line in (raw_traceback(thread, message, level) .. "\n"):gmatch("(.-)\n") do
    if not line:find("^\tlua/") then
      lines[#lines + 1] = line
    end
  end
  return table.concat(lines, "\n")
end
