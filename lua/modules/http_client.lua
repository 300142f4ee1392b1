--- Module `http_client`: requests to HTTP servers. Recorded in workflows, where nothing is streamed.
-- @workflows yes
-- @sandbox no
local runtime = ...
local check, effects, errors = runtime.check, runtime.effects, runtime.errors
local ask = runtime.use("library/granted", runtime)
local scheduler = runtime.use("kernel/core/scheduler")
local transfer = runtime.use("library/transfer", runtime)
local operation = effects.operation

-- Permissions are asked for each redirect and each address; a server that always leads on must not hold the caller.
local MOST_ROUNDS <const> = 20
local ALPHANUMERIC <const> = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

local http_client = {}

local function invalid(message)
  return nil, errors.fail("Invalid", message)
end

-- The pairs of a table whose key and value are strings; nothing else is kept.
local function texts(value)
  if type(value) ~= "table" then
    return nil
  end
  local result = {}
  for key, text in pairs(value) do
    if type(key) == "string" and type(text) == "string" then
      result[key] = text
    end
  end
  return result
end

-- A text inside of the quotes of a part's header.
local function quoted(text)
  return (text:gsub('[\r\n"]', { ["\r"] = "%0D", ["\n"] = "%0A", ['"'] = "%22" }))
end

-- The parts of a body of files: strings, and streams whose content is sent as it is read. Returns them with the
-- boundary, or `nil, err`.
local function multipart(files)
  local boundary, err = effects.immediate("crypto.random_string", 32, ALPHANUMERIC)
  if not boundary then
    return nil, err
  end
  local parts = {}
  for index, file in ipairs(files) do
    local name, filename = file.name, file.filename
    if type(name) ~= "string" or type(filename or "") ~= "string" then
      return invalid("files[" .. index .. "]: name and filename are strings; name is required")
    end
    local content = file.content
    if file.reader ~= nil then
      content = transfer.stream_of(file.reader)
      if not content then
        return invalid("files[" .. index .. "]: reader is a File or a Stream")
      end
    elseif type(content) ~= "string" then
      return invalid(
        "files[" .. index .. "]: give content, a string, or reader, a File or a Stream"
      )
    end
    parts[#parts + 1] = ('--%s\r\nContent-Disposition: form-data; name="%s"; filename="%s"\r\n'):format(
      boundary,
      quoted(name),
      quoted(filename or name)
    ) .. "Content-Type: application/octet-stream\r\n\r\n"
    parts[#parts + 1] = content
    parts[#parts + 1] = "\r\n"
  end
  parts[#parts + 1] = "--" .. boundary .. "--\r\n"
  return parts, boundary
end

-- The body of a request: a string or nil, or a list of strings and Streams; and its content type, where it has one.
local function body_of(options)
  if options.files ~= nil then
    if type(options.files) ~= "table" or #options.files == 0 then
      return invalid("files is a list of tables { name, filename, content or reader }")
    end
    local parts, boundary = multipart(options.files)
    if not parts then
      return nil, boundary
    end
    local streamed = false
    for _, part in ipairs(parts) do
      streamed = streamed or type(part) ~= "string"
    end
    return streamed and parts or table.concat(parts),
      nil,
      "multipart/form-data; boundary=" .. boundary
  end
  local body = options.body
  if body == nil or options.form ~= nil or type(body) == "string" then
    return body
  end
  local stream = transfer.stream_of(body)
  if not stream then
    return invalid("body is a string, a File or a Stream")
  end
  return { stream }
end

-- Options of a request that has none.
local NONE <const> = {}

-- What the host is told of a request, and its body; or `nil, nil, err`.
local function described(options)
  if options == NONE then
    return { inherited_network = runtime.network() }
  end
  local body, err, content_type = body_of(options)
  if err then
    return nil, nil, err
  end
  local streams = options.stream and "http_client: stream"
    or type(body) == "table" and "http_client: a body that is read from a File or a Stream"
  local refusal = streams and runtime.not_in_workflow(streams)
  if refusal then
    return nil, nil, refusal
  end
  local headers = texts(options.headers)
  if content_type then
    headers = headers or {}
    for name in pairs(headers) do
      if name:lower() == "content-type" then
        headers[name] = nil
      end
    end
    headers["Content-Type"] = content_type
  end
  return {
    headers = headers,
    query = texts(options.query),
    form = not options.files and texts(options.form) or nil,
    cookies = texts(options.cookies),
    auth = options.auth,
    timeout = options.timeout,
    stream = options.stream,
    max_response_body = options.max_response_body,
    unix_socket = options.unix_socket,
    tls = options.tls,
    overlay_network = options.overlay_network,
    inherited_network = runtime.network(),
  },
    body
end

-- Checks a request: what is to be sent, or `nil, err`.
local function prepare(method, url, options)
  local given, body, err = described(options)
  if not given then
    return nil, err
  end
  local prepared, failure = runtime.pure("http_client.prepare", method, url, given)
  if not prepared then
    return nil, failure
  end
  return {
    request = prepared.request,
    needs = prepared.needs,
    body = body,
    granted = not runtime.unrestricted() and {} or nil,
  }
end

-- The response of a program, of what the host returned.
local function response_of(found)
  found.stream = found.stream and transfer.response(found.stream)
  return found
end

-- Takes an outcome over into `spec`: the response; nil when the request goes on with more permissions; `nil, err`.
local function take(spec, outcome)
  if outcome.response then
    return response_of(outcome.response)
  end
  local err = ask(spec.granted, outcome.needs)
  spec.request = outcome.request
  if outcome.request.bodiless then
    spec.body = nil
  end
  return nil, err
end

-- Sends a request whose body is read from streams.
local function upload(spec)
  local begun, err = operation("http_client.upload", spec.request, spec.granted)
  if not begun or not begun.upload then
    return begun, err
  end
  local handle = begun.upload
  local function write(data)
    return operation("http_client.upload_write", handle, data)
  end
  local going, failure = true, nil
  for _, part in ipairs(spec.body) do
    if type(part) == "string" then
      going, failure = write(part)
    else
      going, failure = transfer.pour(part, write)
    end
    if failure then
      operation("http_client.close", handle)
      return nil, failure
    elseif not going then
      break
    end
  end
  -- What was read is gone: whatever comes next goes on without it.
  spec.body = nil
  return operation("http_client.upload_finish", handle)
end

local function too_many_rounds(spec)
  return nil, errors.fail("Internal", spec.request.url .. ": it leads on and on to other addresses")
end

-- A request of which nothing is asked, at once; `nil, nil, false` where it goes the long way. In a workflow, whether
-- something is asked may be another at the replay, and what is recorded may not.
local function send_at_once(method, url, options)
  if not runtime.unrestricted() or scheduler.current.run then
    return nil, nil, false
  end
  local given, body, err = described(options)
  if not given then
    return nil, err, true
  elseif type(body) == "table" then
    return nil, nil, false
  end
  local outcome, failure = operation("http_client.request", method, url, given, body)
  if not outcome then
    return nil, failure, true
  end
  return response_of(outcome.response), nil, true
end

local function send(method, url, options)
  options = options or NONE
  local sent, problem, done = send_at_once(method, url, options)
  if done then
    return sent, problem
  end
  local spec, err = prepare(method, url, options)
  err = err or ask(spec.granted, spec.needs)
  if err then
    return nil, err
  end
  for _ = 1, MOST_ROUNDS do
    local outcome, failure
    if type(spec.body) == "table" then
      outcome, failure = upload(spec)
    else
      outcome, failure = operation("http_client.send", spec.request, spec.body, spec.granted)
    end
    if not outcome then
      return nil, failure
    end
    local response, refusal = take(spec, outcome)
    if response or refusal then
      return response, refusal
    end
  end
  return too_many_rounds(spec)
end

--- Sends a request and waits for the response: `response, nil` or `nil, err`.
function http_client.request(method, url, options)
  check.string(method, 1, "request")
  check.string(url, 2, "request")
  return send(method, url, check.optional(check.table, options, 3, "request"))
end

for _, name in ipairs({ "get", "put", "post", "delete", "head", "patch" }) do
  local method = name:upper()
  http_client[name] = function(url, options)
    check.string(url, 1, name)
    return send(method, url, check.optional(check.table, options, 2, name))
  end
end

-- The checked requests of a batch, or `nil, err`: one that is malformed or refused ends all.
local function prepare_all(list)
  local specs = {}
  for index, item in ipairs(list) do
    local method, url, options = nil, nil, nil
    if type(item) == "table" then
      method, url, options = item[1], item[2], item[3]
    end
    if type(method) ~= "string" or type(url) ~= "string" or type(options or {}) ~= "table" then
      return invalid("request " .. index .. " of the batch is no table { METHOD, URL, OPTIONS }")
    end
    options = options or {}
    if options.stream then
      return invalid(
        "request " .. index .. " of the batch: stream is not available in a batch; use request"
      )
    end
    local kept = {}
    for key, value in pairs(options) do
      kept[key] = value
    end
    if type(options.files) == "table" then
      kept.files = {}
      for _, file in ipairs(options.files) do
        if type(file) ~= "table" or file.reader == nil then
          kept.files[#kept.files + 1] = file
        end
      end
      kept.files = #kept.files > 0 and kept.files or nil
    end
    local spec, err = prepare(method, url, kept)
    if not err and type(spec.body) == "table" then
      err = errors.fail("Invalid", "request " .. index .. " of the batch: body must be a string")
    end
    err = err or ask(spec.granted, spec.needs)
    if err then
      return nil, err
    end
    specs[index] = spec
  end
  return specs
end

--- Sends requests `{ METHOD, URL, OPTIONS }` at the same time: `responses, nil` in their order; if some fail,
--- `responses, failures`, two tables with holes; `nil, err` when one is malformed or not allowed.
function http_client.request_batch(list)
  check.table(list, 1, "request_batch")
  if #list == 0 then
    error("bad argument #1 to 'request_batch' (the list is empty)", 2)
  end
  local specs, err = prepare_all(list)
  if not specs then
    return nil, err
  end
  local responses, failures, open = {}, {}, {}
  for index in ipairs(specs) do
    open[index] = index
  end
  for _ = 1, MOST_ROUNDS do
    local sent = {}
    for i, index in ipairs(open) do
      local spec = specs[index]
      sent[i] = { request = spec.request, body = spec.body, granted = spec.granted }
    end
    local outcomes, failure = operation("http_client.send_all", sent)
    if not outcomes then
      return nil, failure
    end
    local rest = {}
    for i, index in ipairs(open) do
      if outcomes[i].error then
        failures[index] = outcomes[i].error
      else
        local response, refusal = take(specs[index], outcomes[i])
        if refusal then
          return nil, refusal
        end
        responses[index] = response
        rest[#rest + 1] = not response and index or nil
      end
    end
    open = rest
    if #open == 0 then
      return responses, next(failures) and failures or nil
    end
  end
  for _, index in ipairs(open) do
    failures[index] = select(2, too_many_rounds(specs[index]))
  end
  return responses, failures
end

--- Encodes a text for a query: a space becomes `+`.
function http_client.encode_uri(text)
  check.string(text, 1, "encode_uri")
  return (
    text:gsub("[^%w%-_.~]", function(character)
      return character == " " and "+" or ("%%%02X"):format(character:byte())
    end)
  )
end

--- Decodes a text of a query: `string, nil` or `nil, err` (Invalid).
function http_client.decode_uri(text)
  check.string(text, 1, "decode_uri")
  if text:gsub("%%%x%x", ""):find("%", 1, true) then
    return invalid("decode_uri: a percent sign is not followed by two hexadecimal digits")
  end
  return (
    text:gsub("+", " "):gsub("%%(%x%x)", function(digits)
      return string.char(tonumber(digits, 16))
    end)
  )
end

return http_client
