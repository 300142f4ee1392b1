-- The spectral norm of a matrix that is given by a formula.
local function element(i, j)
  local ij = i + j - 1
  return 1.0 / (ij * (ij - 1) * 0.5 + i)
end

local function multiply(x, y, size, transposed)
  for i = 1, size do
    local sum = 0.0
    for j = 1, size do
      sum = sum + x[j] * (transposed and element(j, i) or element(i, j))
    end
    y[i] = sum
  end
end

return function(n)
  local size = 60
  local u, v, t = {}, {}, {}
  for i = 1, size do
    u[i] = 1.0
  end
  for _ = 1, n do
    multiply(u, t, size, false)
    multiply(t, v, size, true)
    multiply(v, t, size, false)
    multiply(t, u, size, true)
  end
  local uv, vv = 0.0, 0.0
  for i = 1, size do
    uv, vv = uv + u[i] * v[i], vv + v[i] * v[i]
  end
  return math.sqrt(uv / vv)
end
