--- Module `crypto`: random values, encryption, signatures, tokens. Random values are recorded in workflows and
--- replayed.
-- @workflows yes
-- @sandbox yes
local runtime = ...
local check, effects, errors, pure = runtime.check, runtime.effects, runtime.errors, runtime.pure

local crypto = { random = {}, hmac = {}, encrypt = {}, decrypt = {}, jwt = {} }

local ALPHANUMERIC <const> = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

--- Returns `count` random bytes, 1 to 1,048,576: `string, nil` or `nil, err` (Invalid).
function crypto.random.bytes(count)
  return effects.immediate("crypto.random_bytes", check.integer(count, 1, "bytes"))
end

--- Returns `count` random characters of `charset` (letters and digits unless given): `string, nil` or `nil, err`.
function crypto.random.string(count, charset)
  check.integer(count, 1, "string")
  charset = check.optional(check.string, charset, 2, "string") or ALPHANUMERIC
  return effects.immediate("crypto.random_string", count, charset)
end

--- Returns a random UUID (version 4).
function crypto.random.uuid()
  return effects.immediate("uuid.v4")
end

for _, algorithm in ipairs({ "sha256", "sha512" }) do
  --- Returns the HMAC of `data` as lower-case hexadecimal digits; the key comes first: `string, nil` or `nil, err`.
  crypto.hmac[algorithm] = function(key, data)
    check.string(key, 1, algorithm)
    check.string(data, 2, algorithm)
    return pure("crypto.hmac", algorithm, key, data)
  end
end

for _, cipher in ipairs({ "aes", "chacha20" }) do
  --- Encrypts and authenticates `data`, and authenticates `aad` with it: `string, nil` or `nil, err` (Invalid key).
  crypto.encrypt[cipher] = function(data, key, aad)
    check.string(data, 1, cipher)
    check.string(key, 2, cipher)
    aad = check.optional(check.string, aad, 3, cipher) or ""
    return effects.immediate("crypto.encrypt", cipher, data, key, aad)
  end

  --- Decrypts what `encrypt` returned: `string, nil` or `nil, err` (Invalid: too short; Internal: not authentic).
  crypto.decrypt[cipher] = function(data, key, aad)
    check.string(data, 1, cipher)
    check.string(key, 2, cipher)
    aad = check.optional(check.string, aad, 3, cipher) or ""
    return pure("crypto.decrypt", cipher, data, key, aad)
  end
end

--- Signs claims as a JSON Web Token: `string, nil` or `nil, err`. `claims._header` holds further fields of the header.
function crypto.jwt.encode(claims, key, algorithm)
  check.table(claims, 1, "encode")
  check.string(key, 2, "encode")
  algorithm = check.optional(check.string, algorithm, 3, "encode") or "HS256"
  local body = {}
  for name, value in pairs(claims) do
    if name ~= "_header" then
      body[name] = value
    end
  end
  local header = claims._header
  if header ~= nil and type(header) ~= "table" then
    return nil, errors.fail("Invalid", "claims._header must be a table, got " .. host.type(header))
  end
  return effects.operation("crypto.jwt_encode", body, header, key, algorithm)
end

--- Verifies a JSON Web Token: `claims, nil` or `nil, err` (Internal). `exp` is required unless `require_exp` is false.
function crypto.jwt.verify(token, key, algorithm, require_exp)
  check.string(token, 1, "verify")
  check.string(key, 2, "verify")
  algorithm = check.optional(check.string, algorithm, 3, "verify") or "HS256"
  return effects.operation("crypto.jwt_verify", token, key, algorithm, require_exp ~= false)
end

--- Derives `length` bytes from a password: `string, nil` or `nil, err` (Invalid). The algorithm is sha256 or sha512.
function crypto.pbkdf2(password, salt, iterations, length, algorithm)
  check.string(password, 1, "pbkdf2")
  check.string(salt, 2, "pbkdf2")
  check.integer(iterations, 3, "pbkdf2")
  check.integer(length, 4, "pbkdf2")
  algorithm = check.optional(check.string, algorithm, 5, "pbkdf2") or "sha256"
  return effects.operation("crypto.pbkdf2", password, salt, iterations, length, algorithm)
end

--- Compares two strings in a time that does not depend on where they differ.
function crypto.constant_time_compare(a, b)
  check.string(a, 1, "constant_time_compare")
  check.string(b, 2, "constant_time_compare")
  return pure("crypto.equal", a, b) == true
end

return crypto
