-- Options of activities, read once for each executor: to read them takes as long as a small call.
local use = ...
local sandbox = use("kernel/core/sandbox")

local activity_options = {}

-- The table of an executor, which nobody changes, -> the called entry as it was then -> what they say.
local read = setmetatable({}, { __mode = "k" })
local without = {}

local function of_entry(target, entry, options)
  local key = options or without
  local of = read[key]
  if not of then
    of = setmetatable({}, { __mode = "k" })
    read[key] = of
  end
  local spec, err = entry and of[entry], nil
  if not spec then
    spec, err = host.pure("workflow.activity_options", target, options)
    if entry then
      of[entry] = spec
    end
  end
  return spec, err
end

--- What a call of `target` says of its activity, over the defaults of the entry; nil when neither says anything, and
--- `nil, err` for a wrong option.
function activity_options.of(target, options)
  local entry = sandbox.entry(target)
  if options or entry and entry.options then
    return of_entry(target, entry, options)
  end
  return nil
end

return activity_options
