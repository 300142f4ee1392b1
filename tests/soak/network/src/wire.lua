local http, time = require("http"), require("time")

local PART = ("0123456789abcdef"):rep(4096)

local function hello()
  http.response():write("hello")
end

local function echo()
  http.response():write_json(assert(http.request():body_json()))
end

-- Takes a body whose byte at each position is the position modulo 251, and answers with its size.
local function upload()
  local stream, size = assert(http.request():stream()), 0
  while true do
    local part, err = stream:read(65536)
    if err then
      return nil, err
    elseif not part then
      break
    end
    if part:byte(1) ~= size % 251 or part:byte(-1) ~= (size + #part - 1) % 251 then
      error("other bytes than were sent, about " .. size)
    end
    size = size + #part
  end
  http.response():write_json({ size = size })
end

-- Takes a form whose file lies on the disk.
local function form()
  local parsed, failure = http.request():parse_multipart(1000)
  if failure then
    return nil, failure
  end
  local stream, size = parsed.files.file[1]:stream(), 0
  while true do
    local part, err = stream:read(65536)
    if err then
      return nil, err
    elseif not part then
      break
    end
    size = size + #part
  end
  http.response():write_json({ size = size })
end

local function download()
  local res = http.response()
  for _ = 1, math.tointeger(tonumber(http.request():query("parts"))) do
    res:write(PART)
    local err = res:flush()
    if err then
      return nil, err
    end
  end
end

local function slow()
  time.sleep("1m")
  http.response():write("slept")
end

return { hello = hello, echo = echo, upload = upload, form = form, download = download, slow = slow }
