-- Runs a supervisor, does one thing after another to its children, and tells after each what it has become.
local supervisor = require("supervisor")
local time = require("time")

local function main(spec, ops)
  local seen = {}
  for _, child in ipairs(spec.children) do
    child.process, child.input = "app:child", { child.deaf }
    child.deaf = nil
  end
  local sup = assert(supervisor.start_link("app:processes", spec))

  local function look()
    time.sleep("1s")
    local rows = {}
    for _, child in ipairs(supervisor.which_children(sup)) do
      local fresh = child.pid and child.pid ~= seen[child.id] or false
      seen[child.id] = child.pid or seen[child.id]
      rows[#rows + 1] = { id = child.id, runs = child.pid ~= nil, fresh = fresh }
    end
    return rows
  end

  local function pid_of(id)
    for _, child in ipairs(supervisor.which_children(sup)) do
      if child.id == id then
        return child.pid
      end
    end
    return nil
  end

  local acts = {}
  for _, how in ipairs({ "fail", "return" }) do
    acts[how] = function(id)
      return process.send(pid_of(id), how)
    end
  end
  function acts.kill(id)
    return process.terminate(pid_of(id))
  end
  for _, how in ipairs({ "terminate_child", "restart_child", "delete_child" }) do
    acts[how] = function(id)
      return supervisor[how](sup, id)
    end
  end

  local history = { { rows = look() } }
  for _, op in ipairs(ops) do
    local ok = true
    if op.how:find("child") or pid_of(op.id) then
      ok = acts[op.how](op.id) and true or false
    end
    history[#history + 1] = { ok = ok, rows = look() }
  end
  assert(supervisor.stop(sup))
  return history
end

return { main = main }
