--- Module `http`: the request that a function serves as an endpoint, and its response.
-- @workflows no
-- @sandbox no
local runtime = ...
local check, errors = runtime.check, runtime.errors
local json = runtime.use("modules/json", runtime)
local new_stream = runtime.use("library/stream")
local object = runtime.use("kernel/core/object")
local upload = runtime.use("library/upload")

local CHUNK <const> = 64 * 1024
-- A response that is larger goes out in parts.
local MOST_BUFFERED <const> = 256 * 1024
local DEFAULT_BODY <const> = 120 * 1024 * 1024
local DEFAULT_TIMEOUT <const> = 300000
-- Bytes of files that are kept in memory; what is more goes to the disk.
local DEFAULT_MEMORY <const> = 32 * 1024 * 1024

local function invalid(message)
  return errors.fail("Invalid", message)
end

-- What a function has of the request that it serves, as its server describes it.
local function described(record)
  local known = record.request
  if known then
    return known
  end
  local list, headers = runtime.describe_served(record), {}
  for name, value in list[8]:gmatch("([^\n]*)\n([^\n]*)\n") do
    headers[name] = value
  end
  known = {
    record = record,
    method = list[3],
    path = list[4],
    host = list[5],
    remote = list[6],
    query = list[7],
    headers = headers,
    length = list[9],
    params = list[10] or {},
    body = list[11] or nil,
  }
  record.request = known
  return known
end

-- Runs an operation of the server on a request: `value, err`.
local function ask(served, operation, input)
  return runtime.ask_server(served.record, operation, input)
end

local function decoded(text)
  return (
    text:gsub("+", " "):gsub("%%(%x%x)", function(digits)
      return string.char(tonumber(digits, 16))
    end)
  )
end

-- The parameters of a query: a list of values for each name, and the names in their order.
local function query_of(served)
  if not served.parsed then
    served.parsed = {}
    for pair in served.query:gmatch("[^&]+") do
      local name, value = pair:match("^([^=]*)=?(.*)$")
      name = decoded(name)
      local values = served.parsed[name] or {}
      served.parsed[name] = values
      values[#values + 1] = decoded(value)
    end
  end
  return served.parsed
end

local request = {}
local make_request, request_state = object.opaque("Request", request)

for _, name in ipairs({ "method", "path", "host" }) do
  request[name] = function(self)
    return request_state(self).served[name], nil
  end
end

--- Who sent it: `ip:port`, or the address alone behind the middleware real_ip.
function request:remote_addr()
  return request_state(self).served.remote, nil
end

--- The first value of a parameter of the query, or nil.
function request:query(name)
  check.string(name, 1, "query")
  local values = query_of(request_state(self).served)[name]
  return values and values[1], nil
end

--- All parameters of the query; the values of a repeated one are joined with commas.
function request:query_params()
  local result = {}
  for name, values in pairs(query_of(request_state(self).served)) do
    result[name] = table.concat(values, ",")
  end
  return result, nil
end

--- A header, whatever the case of its name; repeated ones are joined with ", ". Nil if it is not there.
function request:header(name)
  return request_state(self).served.headers[check.string(name, 1, "header"):lower()], nil
end

function request:content_type()
  return request_state(self).served.headers["content-type"], nil
end

--- The bytes of the body, -1 if they are not known.
function request:content_length()
  return request_state(self).served.length, nil
end

--- A parameter of the route, or nil.
function request:param(name)
  return request_state(self).served.params[check.string(name, 1, "param")], nil
end

function request:params()
  local result = {}
  for name, value in pairs(request_state(self).served.params) do
    result[name] = value
  end
  return result, nil
end

--- Whether a length above 0 is declared.
function request:has_body()
  return request_state(self).served.length > 0, nil
end

function request:is_content_type(prefix)
  check.string(prefix, 1, "is_content_type")
  local given = request_state(self).served.headers["content-type"] or ""
  return given:sub(1, #prefix) == prefix, nil
end

--- Whether an item of the header Accept is the type, or `*/*`.
function request:accepts(wanted)
  check.string(wanted, 1, "accepts")
  for item in (request_state(self).served.headers.accept or ""):gmatch("[^,]+") do
    item = item:match("^%s*(.-)%s*$")
    if item == wanted or item == "*/*" then
      return true, nil
    end
  end
  return false, nil
end

-- Up to `size` bytes of the body, nil at its end, or `nil, err`.
local function read(state, size)
  local served = state.served
  if served.body then
    local part = served.body:sub(1, size)
    served.body = #part < #served.body and served.body:sub(#part + 1) or nil
    served.over = not served.body
    return part
  elseif served.over or served.length == 0 then
    return nil
  end
  local part, err = ask(served, "read", { size = size, timeout = state.timeout })
  if err then
    return nil, err
  elseif part == "" then
    served.over = true
    return nil
  end
  return part
end

local function too_large(state)
  return invalid(
    "the body of the request is larger than " .. state.max_body .. " bytes; raise max_body"
  )
end

local function body_of(state)
  local served, limit = state.served, state.max_body
  if served.length > limit then
    return nil, too_large(state)
  end
  local parts, size = {}, 0
  while true do
    local part, err = read(state, CHUNK)
    if err then
      return nil, err
    elseif not part then
      return table.concat(parts), nil
    end
    size = size + #part
    if size > limit then
      return nil, too_large(state)
    end
    parts[#parts + 1] = part
  end
end

--- The whole body, once: a second time it is empty.
function request:body()
  return body_of(request_state(self))
end

--- The body as JSON: the value, or `nil, err` (Invalid).
function request:body_json()
  local text, err = body_of(request_state(self))
  if not text then
    return nil, err
  elseif text == "" then
    return nil, invalid("the body of the request is empty")
  end
  local value, failure = json.decode(text)
  if failure then
    return nil, invalid("the body of the request is not JSON: " .. failure:message())
  end
  return value, nil
end

--- The body as a Stream.
function request:stream()
  local state = request_state(self)
  local position = 0
  return new_stream({
    read = function(size)
      local part, err = read(state, size)
      position = position + #(part or "")
      return part, err
    end,
    stat = function()
      return {
        size = state.served.length,
        position = position,
        readable = true,
        writable = false,
        seekable = false,
      }
    end,
    close = function()
      return true
    end,
  }),
    nil
end

--- A form with files: `{ values, files }`, or `nil, err`. Files of more than `max_memory` bytes together are kept on
--- the disk until the function ends.
function request:parse_multipart(max_memory)
  local state = request_state(self)
  local served = state.served
  max_memory = check.optional(check.integer, max_memory, 1, "parse_multipart") or DEFAULT_MEMORY
  if served.form then
    return served.form, nil
  elseif not (served.headers["content-type"] or ""):lower():find("^multipart/form%-data%s*;") then
    return nil, invalid("the request is not multipart/form-data")
  elseif served.length > state.max_body then
    return nil, too_large(state)
  end
  local rest = served.body
  served.body, served.over = nil, true
  local answer, err = ask(served, "form", {
    rest = rest,
    max_memory = max_memory,
    max_body = state.max_body,
    timeout = state.timeout,
  })
  if not answer then
    return nil, err
  end
  served.form = upload.form(answer, function(file, from, size)
    return ask(served, "form_read", { file = file, from = from, size = size })
  end)
  return served.form, nil
end

local response = {}
local make_response, made_of = object.opaque("Response", response)

-- Sends what is buffered; the head goes first. Returns nil or the Error. What is made of a response is in the record of
-- its request, see kernel/functions/serving.
local function flush(made)
  made.touched = true
  local data = made.rest
  made.rest = ""
  local head = not made.sent and { status = made.status, headers = made.headers or {} } or nil
  made.sent = true
  local _, err = runtime.ask_server(made, "write", { head = head, data = data })
  if err then
    return errors.fail("Internal", err:message())
  end
  return nil
end

-- The Error for a change of the headers when the body has begun, sent or not; else nil.
local function too_late(made)
  return (made.sent or made.rest ~= "") and invalid("the headers have been sent") or nil
end

--- Sets the status, 200 to 599; the last one before the body counts.
function response:set_status(code)
  code = check.integer(code, 1, "set_status")
  local made = made_of(self)
  local late = too_late(made)
  if late or code < 200 or code > 599 then
    return late or invalid("set_status: " .. code .. " is not between 200 and 599")
  end
  made.status, made.touched = code, true
  return nil
end

-- Puts a header in the place of the one with its name; `lower` is that in lower case.
local function replace(made, name, lower, value)
  local headers = made.headers
  if not headers then
    made.headers = { [name] = value }
    return nil
  end
  for known in pairs(headers) do
    if known:lower() == lower then
      headers[known] = nil
    end
  end
  headers[name] = value
  return nil
end

local function set_header(made, name, value)
  local late = too_late(made)
  if late then
    return late
  elseif not name:find("^[%w!#$%%&'*+%-.^_`|~]+$") then
    return invalid("set_header: it is no name of a header: " .. name)
  elseif value:find("[%z\r\n]") then
    return invalid("set_header: the value of " .. name .. " has a line break or a NUL byte")
  end
  local lower = name:lower()
  if lower == "content-length" or lower == "transfer-encoding" or lower == "connection" then
    return invalid("set_header: the server itself sets " .. name)
  end
  return replace(made, name, lower, value)
end

--- Sets a header, in place of one that is there.
function response:set_header(name, value)
  check.string(name, 1, "set_header")
  check.string(value, 2, "set_header")
  local made = made_of(self)
  local err = set_header(made, name, value)
  made.touched = made.touched or err == nil
  return err
end

function response:set_content_type(value)
  check.string(value, 1, "set_content_type")
  return set_header(made_of(self), "Content-Type", value)
end

-- Adds to what is written. Long texts are not put together again and again: they go out.
local function append(made, data)
  made.touched = true
  made.rest = made.rest == "" and data or made.rest .. data
  if #made.rest > MOST_BUFFERED then
    return flush(made)
  end
  return nil
end

--- Writes to the body.
function response:write(data)
  check.string(data, 1, "write")
  return append(made_of(self), data)
end

--- Writes a value as JSON.
function response:write_json(value)
  local text, err = json.encode(value)
  if not text then
    return invalid("write_json: " .. err:message())
  end
  local made = made_of(self)
  if not made.sent and made.rest == "" then
    replace(made, "Content-Type", "content-type", "application/json")
  end
  return append(made, text)
end

--- Sends what is buffered, and waits while the client does not take it.
function response:flush()
  return flush(made_of(self))
end

local function begin_events(made)
  local late = not made.events and too_late(made)
  if made.events or late then
    return late or nil
  end
  set_header(made, "Content-Type", "text/event-stream")
  set_header(made, "Cache-Control", "no-cache")
  set_header(made, "X-Accel-Buffering", "no")
  made.events = true
  return nil
end

--- Says how the body is sent: "chunked", or "sse" for events.
function response:set_transfer(mode)
  local made = made_of(self)
  if mode == "sse" then
    return begin_events(made)
  elseif mode ~= "chunked" then
    error("bad argument #1 to 'set_transfer' (use http.TRANSFER.CHUNKED or http.TRANSFER.SSE)", 3)
  end
  return too_late(made)
end

--- Sends an event `{ name, data }`; `data` goes out as JSON.
function response:write_event(event)
  check.table(event, 1, "write_event")
  local name, data = event.name, event.data
  if type(name) ~= "string" or name:find("[\r\n]") then
    error("bad argument #1 to 'write_event' (name must be a string of one line)", 3)
  elseif data == nil then
    error("bad argument #1 to 'write_event' (data is missing)", 3)
  end
  local text, failure = json.encode(data)
  if not text then
    return invalid("write_event: " .. failure:message())
  end
  local made = made_of(self)
  local err = begin_events(made)
  if err then
    return err
  end
  made.rest = made.rest .. "event: " .. name .. "\ndata: " .. text .. "\n\n"
  return flush(made)
end

local http = {}
for name, values in pairs(runtime.use("library/http_names")) do
  http[name] = values
end

local function served_request()
  local served = runtime.served()
  if not served then
    return nil, errors.fail("Internal", "no HTTP request context found")
  end
  return served
end

-- A whole number of an option, or its default.
local function option(options, name, default)
  local value = options and options[name]
  if value == nil then
    return default
  end
  local integer = math.type(value) and math.tointeger(value)
  if not integer or integer < 0 then
    return nil, invalid("http.request: " .. name .. " is a whole number, not below 0")
  end
  return integer ~= 0 and integer or default
end

--- The request that this function serves: `Request, nil`, or `nil, err` (Internal) anywhere else. Options: `timeout`,
--- milliseconds for each part of the body (300,000), and `max_body`, bytes (120 MB).
function http.request(options)
  check.optional(check.table, options, 1, "request")
  local served, err = served_request()
  if not served then
    return nil, err
  end
  local timeout, wrong = option(options, "timeout", DEFAULT_TIMEOUT)
  if not timeout then
    return nil, wrong
  end
  local max_body, bad = option(options, "max_body", DEFAULT_BODY)
  if not max_body then
    return nil, bad
  end
  return make_request({ served = described(served), timeout = timeout, max_body = max_body }), nil
end

--- The response of this function: `Response, nil`, or `nil, err` (Internal) anywhere else.
function http.response()
  local served, err = served_request()
  if not served then
    return nil, err
  end
  return make_response(served), nil
end

return http
