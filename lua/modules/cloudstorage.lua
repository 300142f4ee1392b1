--- Module `cloudstorage`: objects in the buckets that entries of the kind `cloudstorage.s3` describe.
-- @workflows yes, but for streams
-- @sandbox no
local runtime = ...
local check, effects, errors = runtime.check, runtime.effects, runtime.errors
local object = runtime.use("kernel/core/object")
local transfer = runtime.use("library/transfer", runtime)
local operation = effects.operation

local cloudstorage = {}

local methods = {}
local make_storage, state_of = object.opaque("Storage", methods)

-- Does something with the storage of a handle: `value, nil` or `nil, err`.
local function ask(self, name, ...)
  local state = state_of(self)
  if state.released then
    return nil, errors.fail("Invalid", "the storage is released")
  end
  return operation("cloudstorage." .. name, state.id, ...)
end

local function options_of(options, position, name)
  return check.optional(check.table, options, position, name) or {}
end

--- A page of objects in the order of their keys: `{ objects, prefixes, is_truncated, next_continuation_token }, nil`.
function methods:list_objects(options)
  return ask(self, "list", options_of(options, 1, "list_objects"), runtime.network())
end

--- `{ key, size, etag, content_type, last_modified, metadata }, nil` or `nil, err` (NotFound).
function methods:head_object(key, options)
  check.string(key, 1, "head_object")
  return ask(self, "head", key, options_of(options, 2, "head_object"), runtime.network())
end

--- An object as a Stream, and what is known of it: `Stream, nil, info` or `nil, err`.
function methods:open_object(key, options)
  check.string(key, 1, "open_object")
  options = options_of(options, 2, "open_object")
  local refusal = runtime.not_in_workflow("cloudstorage: open_object")
  if refusal then
    return nil, refusal
  end
  local found, err = ask(self, "read", key, options, true, runtime.network())
  if not found then
    return nil, err
  end
  return transfer.response(found.stream), nil, found.info
end

-- Copies an object into a File or a Stream as it comes.
local function download(self, key, target, options)
  local stream, err, info = self:open_object(key, options)
  if not stream then
    return nil, err
  end
  local whole, failure = transfer.pour(stream, function(data)
    local _, write_err = target:write(data)
    return write_err == nil, write_err
  end)
  stream:close()
  if not whole then
    return nil, failure
  end
  return info, nil
end

--- An object: without a target `string, nil, info`; into a File or a Stream `info, nil`; or `nil, err`.
function methods:download_object(key, target, options)
  check.string(key, 1, "download_object")
  options = options_of(options, 3, "download_object")
  if target ~= nil then
    target = transfer.stream_of(target)
    if not target then
      return nil, errors.fail("Invalid", "download_object: the target is a File or a Stream")
    end
    return download(self, key, target, options)
  end
  local found, err = ask(self, "read", key, options, false, runtime.network())
  if not found then
    return nil, err
  end
  return found.body, nil, found.info
end

-- Makes an object of a Stream as it is read.
local function upload(self, key, stream, options)
  local refusal = runtime.not_in_workflow("cloudstorage: content from a File or a Stream")
  if refusal then
    return nil, refusal
  end
  local handle, err = ask(self, "upload", key, options, runtime.network())
  if not handle then
    return nil, err
  end
  local whole, failure = transfer.pour(stream, function(data)
    return operation("cloudstorage.upload_write", handle, data)
  end)
  local made = nil
  if whole then
    made, failure = operation("cloudstorage.upload_finish", handle)
  end
  if not made then
    operation("cloudstorage.close", handle)
    return nil, failure
  end
  return made, nil
end

--- Makes an object of a string, a File or a Stream: `{ etag }, nil` or `nil, err`.
function methods:upload_object(key, content, options)
  check.string(key, 1, "upload_object")
  options = options_of(options, 3, "upload_object")
  if type(content) == "string" then
    return ask(self, "put", key, content, options, runtime.network())
  end
  local stream = transfer.stream_of(content)
  if not stream then
    return nil, errors.fail("Invalid", "upload_object: the content is a string, a File or a Stream")
  end
  return upload(self, key, stream, options)
end

--- Deletes objects, a key or a list of keys: `true, nil`. One that is not there counts as deleted.
function methods:delete_objects(keys)
  if type(keys) == "string" then
    keys = { keys }
  end
  return ask(self, "delete", check.table(keys, 1, "delete_objects"), runtime.network())
end

--- A URL with which anybody reads an object for a while: `string, nil` or `nil, err`.
function methods:presigned_get_url(key, options)
  check.string(key, 1, "presigned_get_url")
  return ask(self, "presign", "GET", key, options_of(options, 2, "presigned_get_url"))
end

--- A URL with which anybody writes an object for a while: `string, nil` or `nil, err`.
function methods:presigned_put_url(key, options)
  check.string(key, 1, "presigned_put_url")
  return ask(self, "presign", "PUT", key, options_of(options, 2, "presigned_put_url"))
end

--- Lets go of the handle: later calls are Invalid.
function methods:release()
  state_of(self).released = true
  return true, nil
end

--- A handle of a storage: `Storage, nil` or `nil, err` (Invalid, NotFound, PermissionDenied).
function cloudstorage.get(id)
  check.string(id, 1, "get")
  local found, err = operation("cloudstorage.get", id)
  if not found then
    return nil, err
  end
  return make_storage({ id = id }), nil
end

return cloudstorage
