--- Module `sys`: looks into a running server and steers it, in the manner of Erlang/OTP's sys.
-- @workflows no
-- @sandbox yes
local runtime = ...
local use, check = runtime.use, runtime.check
local request = use("library/request", runtime)

local sys = {}

local function operation(name, with_value)
  return function(dest, ...)
    check.string(dest, 1, name)
    local value, timeout
    if with_value then
      value, timeout = ...
    else
      timeout = ...
    end
    timeout = request.timeout(timeout, with_value and 3 or 2, name)
    return request.ask("server", dest, "$sys", { op = name, value = value }, timeout)
  end
end

--- A copy of the server's state: `state`, or `nil, err` (NotFound, Unavailable, Timeout as of server.call).
sys.get_state = operation("get_state")
--- Replaces the server's state by `state` and returns it.
sys.replace_state = operation("replace_state", true)
--- Lets requests, events and messages wait until `resume`; sys and stop still work.
sys.suspend = operation("suspend")
sys.resume = operation("resume")
--- `statistics(dest, true | false)` begins or ends counting; without it { since, messages_in, replies_out }.
sys.statistics = operation("statistics", true)
--- { pid, entry, status = "running" | "suspended", state, waiting }.
sys.get_status = operation("get_status")
--- Lets the server go on with the current code of its entry and its state, after code_change.
sys.upgrade = operation("upgrade")

return sys
