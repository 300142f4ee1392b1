local crypto, env = require("crypto"), require("env")

-- HMAC-SHA256 of the body in hexadecimal digits, as most senders of webhooks sign.
local function sign(body: string): string
  return assert(crypto.hmac.sha256(assert(env.get("WEBHOOK_SECRET")), body))
end

local function fits(body: string, signature: string): boolean
  return crypto.constant_time_compare(sign(body), signature)
end

return { sign = sign, fits = fits }
