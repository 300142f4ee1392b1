local http, store = require("http"), require("store")

local function put()
  local key = http.request():query("key")
  assert(assert(store.get("net:shelf")):set(key, { key = key, text = "é\0" .. key }))
  http.response():write("put")
end

local function get()
  local value, err = assert(store.get("net:shelf")):get(http.request():query("key"))
  if err then
    return nil, err
  end
  http.response():write_json(value)
end

-- The keys behind `after`, a thousand at most.
local function keys(after)
  local page = assert(assert(store.get("net:shelf")):list({ after = after, limit = 1000 }))
  local found = {}
  for i, entry in ipairs(page.items) do
    found[i] = entry.key
    assert(entry.value.text == "é\0" .. entry.key, "another value than was put")
  end
  return { keys = found, after = page.has_more and page.cursor or nil }
end

return { put = put, get = get, keys = keys }
