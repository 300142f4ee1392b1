print("before")
io.stdout:flush()
local function fail(t) return t.missing.field end
fail({})
print("never")
