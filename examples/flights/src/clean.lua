-- One raw record in; a clean record, or nil and the reason against it, out.

local rules = require("rules")

local function main(raw)
  local record, rule, reason = rules.clean(raw)
  if record then
    return record
  end
  return nil,
    errors.new({
      message = reason,
      kind = errors.INVALID,
      retryable = false,
      details = { rule = rule },
    })
end

return { main = main }
