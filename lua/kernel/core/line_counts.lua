-- How often each line of an entry's code has run, for the coverage of tests. Code that is to be counted was changed so
-- that it counts in a table that it sees as the global `__lines`. That is no effect: in a workflow nothing is recorded.
local line_counts = {}

-- By entry, lists with a count for each line; nil while nothing is counted.
local counted

--- Has the code that is loaded from now on count.
function line_counts.begin()
  counted = {}
end

--- The counts of an entry with this source; nil while nothing is counted.
function line_counts.of(id, source)
  if not counted then
    return nil
  end
  local counts = counted[id] or {}
  counted[id] = counts
  local _, breaks = source:gsub("\n", "")
  for line = #counts + 1, breaks + 1 do
    counts[line] = 0
  end
  return counts
end

--- All counts: by entry, a list with one for each line.
function line_counts.all()
  return counted
end

return line_counts
