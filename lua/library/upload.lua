--- Files of a form, which the server keeps until the function that serves the request has ended.
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
  return state_of(self).size
end

--- A header of the part, nil if it is not there.
function methods:header(name)
  return state_of(self).headers[check.string(name, 1, "header"):lower()]
end

--- The content as a Stream.
function methods:stream()
  local file, position = state_of(self), 0
  local stream = new_stream({
    read = function(size)
      if position >= file.size then
        return nil
      end
      local part, err = file.read(position, size)
      if err then
        return nil, err
      end
      position = position + #part
      return part
    end,
    seek = function(whence, offset)
      local base = whence == "cur" and position or whence == "end" and file.size or 0
      if base + offset < 0 then
        return nil, errors.fail("Invalid", "seek: the position is before the beginning")
      end
      position = base + offset
      return position
    end,
    stat = function()
      return {
        size = file.size,
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

local upload = {}

-- Adds a value to those of a name: the first one as itself, several as a list.
local function add_value(values, name, value)
  local found = values[name]
  if found == nil then
    values[name] = value
  elseif type(found) == "table" then
    found[#found + 1] = value
  else
    values[name] = { found, value }
  end
end

--- The form `{ values, files }` of what the server answered. `read(file, from, size)` returns bytes of a file, or
--- `nil, err`; files are counted from 0.
function upload.form(answer, read)
  local form = { values = {}, files = {} }
  for _, item in ipairs(answer.values) do
    add_value(form.values, item.name, item.value)
  end
  for index, item in ipairs(answer.files) do
    local files = form.files[item.name] or {}
    form.files[item.name] = files
    files[#files + 1] = make_file({
      filename = item.filename,
      size = item.size,
      headers = item.headers,
      read = function(from, size)
        return read(index - 1, from, size)
      end,
    })
  end
  return form
end

return upload
