-- A template engine: text with {{ expressions }} and {% code %} becomes a Lua function.
local function compile(text)
  local out = { "local out, _ENV = {}, ... local function put(v) out[#out + 1] = v == nil and '' or tostring(v) end" }
  local at = 1
  while true do
    local a, b, kind, code = text:find("{([{%%])%s*(.-)%s*[}%%]}", at)
    out[#out + 1] = ("put(%q)"):format(text:sub(at, (a or 0) - 1))
    if not a then break end
    out[#out + 1] = kind == "{" and ("put(%s)"):format(code) or code
    at = b + 1
  end
  out[#out + 1] = "return table.concat(out)"
  return assert(load(table.concat(out, "\n"), "=template", "t", { tostring = tostring, table = table }))
end
local page = compile([[
Dear {{ name }},
{% for i, item in ipairs(items) do %}  {{ i }}. {{ item.name:upper() }}{% if item.count > 1 then %} x{{ item.count }}{% end %}
{% end %}Total: {{ ("%.2f"):format(total) }} "quoted" \n
]])
io.write(page({ name = "Ada", ipairs = ipairs, total = 12.5, items = { { name = "tea", count = 2 }, { name = "bun", count = 1 } }, tostring = tostring, table = table }))
print(pcall(compile, "{% if %}"))
