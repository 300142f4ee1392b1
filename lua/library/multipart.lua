--- Forms with files: bodies of the type multipart/form-data.
local use = ...
local check = use("kernel/core/check")
local errors = use("kernel/core/errors")
local object = use("kernel/core/object")
local new_stream = use("library/stream")

local methods = {}
local make_file, state_of = object.opaque("UploadedFile", methods)

--- The name that the client gave to the file.
function methods:name()
  return state_of(self).filename
end

--- Bytes.
function methods:size()
  return #state_of(self).content
end

--- A header of the part, nil if it is not there.
function methods:header(name)
  return state_of(self).headers[check.string(name, 1, "header"):lower()]
end

--- The content as a Stream.
function methods:stream()
  local content, position = state_of(self).content, 0
  local stream = new_stream({
    read = function(size)
      if position >= #content then
        return nil
      end
      local part = content:sub(position + 1, position + size)
      position = position + #part
      return part
    end,
    seek = function(whence, offset)
      local base = whence == "cur" and position or whence == "end" and #content or 0
      if base + offset < 0 then
        return nil, errors.fail("Invalid", "seek: the position is before the beginning")
      end
      position = base + offset
      return position
    end,
    stat = function()
      return {
        size = #content,
        position = position,
        readable = true,
        writable = false,
        seekable = true,
      }
    end,
    close = function()
      return true
    end,
  })
  return stream, nil
end

-- The headers of a part, by lower-case names, and where its content begins; nil when they do not end.
local function headers_of(body, from)
  local headers = {}
  while true do
    local stop = body:find("\r\n", from, true)
    if not stop then
      return nil
    elseif stop == from then
      return headers, from + 2
    end
    local name, value = body:sub(from, stop - 1):match("^([^:%s]+):%s*(.-)%s*$")
    if not name then
      return nil
    end
    headers[name:lower()] = value
    from = stop + 2
  end
end

-- A parameter of Content-Disposition, with what browsers escape.
local function parameter(disposition, name)
  local value = (";" .. disposition):match("[;%s]" .. name .. '="([^"]*)"')
    or (";" .. disposition):match("[;%s]" .. name .. '=([^;"%s]+)')
  return value and (value:gsub("%%22", '"'):gsub("%%0[Dd]", "\r"):gsub("%%0[Aa]", "\n"))
end

local function malformed(what)
  return nil, errors.fail("Internal", "malformed multipart body: " .. what)
end

local function add(form, headers, content)
  local disposition = headers["content-disposition"] or ""
  local name = disposition:lower():find("^form%-data") and parameter(disposition, "name")
  if not name then
    return malformed("a part has no name")
  end
  local filename = parameter(disposition, "filename")
  if filename then
    -- Some clients send a path; it must lead nowhere here.
    filename = filename:match("[^/\\]*$")
    local files = form.files[name] or {}
    form.files[name] = files
    files[#files + 1] = make_file({ filename = filename, headers = headers, content = content })
    return true
  end
  local found = form.values[name]
  if found == nil then
    form.values[name] = content
  elseif type(found) == "table" then
    found[#found + 1] = content
  else
    form.values[name] = { found, content }
  end
  return true
end

local multipart = {}

--- The boundary that a content type names, or nil when it is no form with files.
function multipart.boundary(content_type)
  if not content_type or not content_type:lower():find("^multipart/form%-data%s*;") then
    return nil
  end
  local plain = content_type:gsub("([;%s])[Bb][Oo][Uu][Nn][Dd][Aa][Rr][Yy]=", "%1boundary=")
  local boundary = parameter(plain, "boundary")
  if not boundary or boundary == "" or #boundary > 70 then
    return nil
  end
  return boundary
end

--- Parses a body: `{ values, files }`, or `nil, err` (Internal).
function multipart.parse(body, boundary)
  local form, mark = { values = {}, files = {} }, "--" .. boundary
  local at = body:sub(1, #mark) == mark and 1 or body:find("\r\n" .. mark, 1, true)
  if not at then
    return malformed("no boundary")
  end
  at = at == 1 and #mark + 1 or at + 2 + #mark
  while body:sub(at, at + 1) ~= "--" do
    local line = body:match("^[ \t]*\r\n()", at)
    if not line then
      return malformed("a boundary is followed by something else")
    end
    local headers, from = headers_of(body, line)
    if not headers then
      return malformed("the headers of a part")
    end
    local stop = body:find("\r\n" .. mark, from - 2, true)
    if not stop then
      return malformed("it has no end")
    end
    local ok, err = add(form, headers, stop < from and "" or body:sub(from, stop - 1))
    if not ok then
      return nil, err
    end
    at = stop + 2 + #mark
  end
  return form, nil
end

return multipart
