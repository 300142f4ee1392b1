-- Tasks of several kinds, as objects, that send each other packets through queues.
local Task = {}
Task.__index = Task

function Task.new(id, work)
  return setmetatable({ id = id, work = work, first = 1, last = 0, queue = {}, seen = 0 }, Task)
end

function Task:put(packet)
  self.last = self.last + 1
  self.queue[self.last] = packet
end

function Task:take()
  local packet = self.queue[self.first]
  if packet == nil then
    return nil
  end
  self.queue[self.first] = nil
  self.first = self.first + 1
  return packet
end

function Task:run(tasks)
  local packet = self:take()
  if packet == nil then
    return false
  end
  self.seen = self.seen + 1
  self.work(self, packet, tasks)
  return true
end

local function worker(self, packet, tasks)
  packet.value = (packet.value * 31 + self.id) % 1009
  packet.hops = packet.hops - 1
  if packet.hops > 0 then
    tasks[packet.value % #tasks + 1]:put(packet)
  end
end

local function device(self, packet, tasks)
  packet.kind = packet.kind == "read" and "write" or "read"
  packet.hops = packet.hops - 1
  if packet.hops > 0 then
    tasks[self.id % #tasks + 1]:put(packet)
  end
end

return function(n)
  local total = 0
  for _ = 1, n do
    local tasks = {}
    for id = 1, 6 do
      tasks[id] = Task.new(id, id % 2 == 0 and device or worker)
    end
    for value = 1, 8 do
      tasks[1]:put({ value = value, hops = 100, kind = "read" })
    end
    local running = true
    while running do
      running = false
      for _, task in ipairs(tasks) do
        if task:run(tasks) then
          running = true
        end
      end
    end
    for _, task in ipairs(tasks) do
      total = total + task.seen * task.id
    end
  end
  return total
end
