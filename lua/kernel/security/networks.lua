-- The network of a unit: the network entry through which it connects, in its frame under `network`, so that whatever it
-- starts has it too. The option `network` of a start replaces it.
local use = ...
local errors = use("kernel/core/errors")
local scheduler = use("kernel/core/scheduler")
local security = use("kernel/security/security")

local networks = {}

-- What `options` choose; nothing in a workflow, whose provider starts what it asks for.
local function chosen(options)
  return not scheduler.current.run and type(options) == "table" and options.network or nil
end

--- The Error when the running unit may not start something with these options, else nil.
function networks.refusal(options)
  local network = chosen(options)
  if network == nil then
    return nil
  elseif type(network) ~= "string" or network == "" then
    return errors.fail("Invalid", "option network: the id of a network entry is expected")
  elseif not security.allowed(scheduler.current, "network.select", network) then
    return security.denied("not allowed to select network: " .. network)
  end
  return nil
end

--- The same, raised.
function networks.check(options)
  local refusal = networks.refusal(options)
  if refusal then
    error(refusal, 0)
  end
end

--- The frame of something that is started with these options.
function networks.frame(frame, options)
  local network = chosen(options)
  if network == nil then
    return frame
  end
  return security.with(frame, { network = network })
end

return networks
