/**
 * Lua functions: `same(a, b)`: whether two values are equal in all, with what is shared and cyclic, keys by value;
 * `shares(a, b)`: whether they have a table in common.
 */
export const same = `
  -- What all units share: metatables of objects.
  local function plain_metatable(t)
    local meta = debug.getmetatable(t)
    return meta and host.type(t) ~= "userdata" and meta or nil
  end
  local function tables_of(value, set)
    if type(value) == "table" and not set[value] then
      set[value] = true
      tables_of(plain_metatable(value), set)
      for k, v in next, value do tables_of(k, set) tables_of(v, set) end
    end
    return set
  end
  local function shares(a, b)
    local of_a = tables_of(a, {})
    for t in pairs(tables_of(b, {})) do if of_a[t] then return true end end
    return false
  end
  local function scalar_key(k) return type(k) ~= "table" end
  local function same_in(a, b, seen)
    if type(a) ~= "table" or type(b) ~= "table" then
      return rawequal(a, b) and math.type(a) == math.type(b) or a ~= a and b ~= b
    end
    if seen[a] then return seen[a] == b end
    seen[a] = b
    local meta, other = debug.getmetatable(a), debug.getmetatable(b)
    if meta ~= other and not (meta and other and plain_metatable(a) and same_in(meta, other, seen)) then
      return false
    end
    local keyed_a, keyed_b = 0, 0
    for k, v in next, a do
      if not scalar_key(k) then keyed_a = keyed_a + 1
      elseif not same_in(v, rawget(b, k), seen) then return false end
    end
    for k in next, b do
      if not scalar_key(k) then keyed_b = keyed_b + 1
      elseif rawget(a, k) == nil then return false end
    end
    return keyed_a == keyed_b
  end
  local function same(a, b) return same_in(a, b, {}) end
`;

/** A Lua function `alike(a, b, ordered)`: whether two values are equal in all, and `next` goes through their tables in the same order. */
export const alike = `
  ${same}
  local function in_order(a, b, seen)
    if type(a) ~= "table" or seen[a] then return true end
    seen[a] = true
    local k, l
    repeat
      local v, w
      k, v = next(a, k)
      l, w = next(b, l)
      if type(k) ~= "table" and not rawequal(k, l) then return false end
      if not in_order(v, w, seen) then return false end
    until k == nil
    return l == nil and in_order(plain_metatable(a), plain_metatable(b), seen)
  end
  -- Tables as keys are where their addresses say.
  local function alike(a, b, ordered) return same(a, b) and (not ordered or in_order(a, b, {})) end
`;

/** A Lua function `random_value(seed, makers)`; `makers` make what is no plain data, now and then. */
export const random = `
  local function random_value(seed, makers)
    local state = seed * 7919 + 12345
    local function random(n)
      state = (state * 1103515245 + 12345) & 0xffffffff
      return (state >> 8) % n
    end
    local texts = { "a", "id", "näme", ("x"):rep(33), ("é"):rep(50), ("y"):rep(300), "", "constructor", "\\255\\0b" }
    local tables, classes = {}, {}
    local value
    local function key()
      local kind = random(12)
      if kind < 7 then return texts[random(#texts) + 1] .. random(5) end
      if kind < 9 then return random(9) - 2 end
      if kind == 9 then return random(100) / 8 end
      if kind == 10 then return random(2) == 0 end
      return #tables > 0 and random(8) == 0 and tables[random(#tables) + 1] or "k"
    end
    function value(depth)
      local kind = random(depth > 4 and 8 or 14)
      if kind == 0 then return random(2) == 0 end
      if kind == 1 then return random(300) - 150 end
      if kind == 2 then return (random(2) * 2 - 1) * (random(1 << 24) << random(40)) end
      if kind == 3 then return random(1000) / 7 end
      if kind == 4 then return random(100) * 1.0 end
      if kind < 8 then return texts[random(#texts) + 1] end
      if kind == 8 and #tables > 0 and random(3) == 0 then return tables[random(#tables) + 1] end
      if kind == 9 and makers and random(6) == 0 then return makers[random(#makers) + 1]() end
      local t = {}
      tables[#tables + 1] = t
      if kind < 12 then
        for i = 1, random(7) do t[i] = value(depth + 1) end
      end
      if kind > 10 then
        for _ = 1, random(8) do t[key()] = value(depth + 1) end
      end
      -- Holes, dead keys and arrays that are larger than their contents.
      if random(4) == 0 then t[random(6) + 1] = nil t.id1 = nil end
      if random(6) == 0 then for i = 1, 9 do t[i] = i end for i = 9, random(9), -1 do t[i] = nil end end
      if random(12) == 0 then
        local class = classes[random(4) + 1]
        if not class then
          class = { data = value(depth + 1), all = random(2) == 0 and { t } or nil }
          if random(3) > 0 then class.__index = class end
          -- Of no mode that Lua knows: what a weak table holds would be gone by the next look.
          if random(6) == 0 then class.__mode = "x" end
          if random(6) == 0 then class[1] = 5 end
          if random(6) == 0 then setmetatable(class, { base = random(9) }) end
          classes[#classes + 1] = class
        end
        setmetatable(t, class)
      end
      return t
    end
    return value(0)
  end
`;
