--- Module `hash`: digests, HMACs and checksums.
-- @workflows yes
-- @sandbox yes
local runtime = ...
local errors, pure = runtime.errors, runtime.pure

local hash = {}

-- The Error (Invalid) of the first value that is not a string, or nil.
local function refusal(what, value)
  if type(value) ~= "string" then
    return errors.fail("Invalid", what .. " must be a string, got " .. host.type(value))
  end
  return nil
end

for _, name in ipairs({ "md5", "sha1", "sha256", "sha512" }) do
  --- Returns the digest of `data` as lower-case hexadecimal digits, or raw: `string, nil` or `nil, err`.
  hash[name] = function(data, raw)
    local err = refusal("data", data)
    if err then
      return nil, err
    end
    return pure("hash.digest", name, data, raw == true)
  end

  --- Returns the HMAC of `data` with a secret, as the digests: `string, nil` or `nil, err`.
  hash["hmac_" .. name] = function(data, secret, raw)
    local err = refusal("data", data) or refusal("secret", secret)
    if err then
      return nil, err
    end
    return pure("hash.hmac", name, data, secret, raw == true)
  end
end

local function checksum(operation)
  return function(data)
    local err = refusal("data", data)
    if err then
      return nil, err
    end
    return pure(operation, data)
  end
end

--- Returns the 32-bit FNV-1 hash: `integer, nil` or `nil, err`.
hash.fnv32 = checksum("hash.fnv32")

--- Returns the 64-bit FNV-1 hash as a float, whose low bits are lost: `number, nil` or `nil, err`.
hash.fnv64 = checksum("hash.fnv64")

return hash
