-- Workflow hosts whose runs are kept in one place: they start children on each other and signal each other there.
local groups = {}

local group_of = {}

--- Notes in which group a host is; nil: in one of its own.
function groups.set(id, group)
  group_of[id] = group
end

--- Whether runs of two hosts are kept in one place.
function groups.same(one, other)
  return one == other or group_of[one] ~= nil and group_of[one] == group_of[other]
end

return groups
