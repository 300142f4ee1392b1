-- Groups of workflow hosts with one provider, which starts children and delivers signals between them.
local groups = {}

local group_of = {}

--- Sets the group of a host; nil: a group of its own.
function groups.set(id, group)
  group_of[id] = group
end

--- Whether two hosts are in the same group.
function groups.same(one, other)
  return one == other or group_of[one] ~= nil and group_of[one] == group_of[other]
end

return groups
