-- Starts the actors of a program, collects their notes until nothing happens any more, then ends them.
local time = require("time")

local function main(scripts, roots)
  local notes, pids, ends = {}, {}, {}
  local notices, events = process.listen("note"), process.events()
  local me = process.pid()

  -- All that happens until nothing has for a virtual second.
  local function collect()
    while true do
      local late = time.after("1s")
      local got = channel.select({ notices:case_receive(), events:case_receive(), late:case_receive() })
      if got.channel == late then
        return
      elseif got.channel == notices then
        local note = got.value
        notes[#notes + 1] = note
        if note.what == "started" and not pids[note.slot] then
          pids[note.slot] = note.args[1]
          if note.slot > roots and not process.monitor(note.args[1]) then
            ends[#ends + 1] = { pid = note.args[1], unknown = true }
          end
        end
      elseif got.value.kind == process.event.EXIT then
        local err = got.value.result.error
        ends[#ends + 1] = { pid = got.value.from, error = err and err:message(), failed = err ~= nil }
      end
    end
  end

  local root_pids = {}
  for slot = 1, roots do
    root_pids[slot] =
      assert(process.spawn_monitored("app:actor", "app:processes", me, slot, scripts[slot], scripts, roots))
    pids[slot] = root_pids[slot]
  end
  for slot = 1, roots do
    process.send(root_pids[slot], "pids", root_pids)
  end
  collect()
  local ended, names = #ends, {}
  for i = 1, 3 do
    names[i] = process.registry.lookup("name" .. i) or false
  end
  local before = #notes
  for _, pid in pairs(pids) do
    process.send(pid, "finish")
  end
  collect()
  return { notes = notes, before = before, ends = ends, ended = ended, pids = pids, names = names }
end

return { main = main }
