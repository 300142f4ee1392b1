-- What a host operation of scripts returned, as Lua's own functions return it: its value; or nil, a message, behind the
-- name of what it was about, and the number of the error.
return function(prefix, value, err)
  if err then
    return nil, err:message(), 1
  elseif type(value) == "table" and value[1] then
    return nil, prefix and prefix .. ": " .. value[1] or value[1], value[2]
  end
  return value
end
