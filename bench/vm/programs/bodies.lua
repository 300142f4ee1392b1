-- Five bodies that attract each other.
local sqrt = math.sqrt

local function body(i)
  return {
    x = i * 1.1,
    y = i * 0.7 - 1,
    z = i * 0.3,
    vx = 0.01 * i,
    vy = 0.02,
    vz = -0.01 * i,
    mass = 1.0 / i,
  }
end

local function advance(bodies, dt)
  for i = 1, #bodies do
    local a = bodies[i]
    local ax, ay, az, am = a.x, a.y, a.z, a.mass
    local vx, vy, vz = a.vx, a.vy, a.vz
    for j = i + 1, #bodies do
      local b = bodies[j]
      local dx, dy, dz = ax - b.x, ay - b.y, az - b.z
      local square = dx * dx + dy * dy + dz * dz + 0.01
      local pull = dt / (sqrt(square) * square)
      local bm = b.mass * pull
      vx, vy, vz = vx - dx * bm, vy - dy * bm, vz - dz * bm
      bm = am * pull
      b.vx, b.vy, b.vz = b.vx + dx * bm, b.vy + dy * bm, b.vz + dz * bm
    end
    a.vx, a.vy, a.vz = vx, vy, vz
    a.x, a.y, a.z = ax + dt * vx, ay + dt * vy, az + dt * vz
  end
end

return function(n)
  local bodies = {}
  for i = 1, 5 do
    bodies[i] = body(i)
  end
  for _ = 1, n do
    advance(bodies, 0.001)
  end
  return bodies[1].x
end
