-- What is wrong with the version of a change that a run is on, in words.
local use = ...
local errors = use("kernel/core/errors")

local versions = {}

--- The Error of a version that the code does not support. `patch` is what the history holds of the change, nil when
--- the run had passed the place before the change was made.
function versions.refusal(change, version, patch, minimum, maximum, at)
  local event = patch and "VersionRecorded " .. change .. " " .. version
  local history = patch
      and ("history has event %d, %s (version %d of change '%s')"):format(
        math.tointeger(patch.eventId),
        event,
        version,
        change
      )
    or ("the run is on version %d of change '%s'"):format(version, change)
  return errors.make(
    "Internal",
    ("%s, but the code at %s supports only %d to %d"):format(history, at, minimum, maximum),
    false,
    {
      nondeterminism = true,
      event_id = patch and math.tointeger(patch.eventId),
      event = event,
      command = ("record_patch %s %d to %d"):format(change, minimum, maximum),
      at = at,
    }
  )
end

return versions
