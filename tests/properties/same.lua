-- A local activity.
local function main(label, how)
  if how == "fail" then
    return nil, label .. " fails"
  end
  return label .. " " .. how
end

return { main = main }
