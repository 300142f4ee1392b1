-- What is wrong with the version of a change that a run is on, in words.
local use = ...
local commands = use("kernel/workflows/commands")
local errors = use("kernel/core/errors")
local position = use("kernel/core/position")

local versions = {}

-- The Error of a version that the code does not support. `patch` is what the history holds of the change, nil when
-- the run had passed the place before the change was made.
local function refusal(change, version, patch, minimum, maximum, at)
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

--- `workflow.version`: the version of a change that this run is on, decided once and recorded.
function versions.of(self, change, minimum, maximum)
  local run = self.run
  local answer = run.versions[change]
  if answer == nil then
    commands.refuse_in_read_only(run)
    local patch = run.patches[change]
    local recorded = patch and patch.version
    if recorded == nil and run.replaying then
      answer = -1
    else
      answer = recorded or maximum
      commands.takes(self, #change)
      commands.add(self, { type = "record_patch", changeId = change, version = answer })
    end
    run.versions[change] = answer
  end
  if answer < minimum or answer > maximum then
    run.failure = refusal(change, answer, run.patches[change], minimum, maximum, position.here())
    host.park()
  end
  return answer
end

return versions
