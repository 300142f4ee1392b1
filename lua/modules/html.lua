--- Module `html`: makes HTML that others wrote safe to show.
-- @workflows yes
-- @sandbox yes
local runtime = ...
local check, pure = runtime.check, runtime.pure
local object = runtime.use("kernel/core/object")

local html = { sanitize = {} }

local policy, builder = {}, {}
local new_policy, calls_of = object.opaque("html.Policy", policy)
local new_builder, rule_of = object.opaque("html.AttributeBuilder", builder)

local function add(self, ...)
  local calls = calls_of(self)
  calls[#calls + 1] = { ... }
  return self
end

-- The arguments, which must be strings.
local function names(method, ...)
  local list = table.pack(...)
  for i = 1, list.n do
    check.string(list[i], i, method)
  end
  list.n = nil
  return list
end

--- Returns a policy that allows nothing: `Policy, nil`.
function html.sanitize.new_policy()
  return new_policy({}), nil
end

--- Returns a policy for what users write: `Policy, nil`.
function html.sanitize.ugc_policy()
  return add(new_policy({}), "ugc"), nil
end

--- Returns a policy that strips all tags: `Policy, nil`.
function html.sanitize.strict_policy()
  return new_policy({}), nil
end

for _, method in ipairs({ "allow_elements", "allow_url_schemes" }) do
  policy[method] = function(self, ...)
    return add(self, method, table.unpack(names(method, ...)))
  end
end

for _, method in ipairs({
  "allow_relative_urls",
  "require_parseable_urls",
  "require_nofollow_on_links",
  "require_noreferrer_on_links",
  "add_target_blank_to_fully_qualified_links",
}) do
  policy[method] = function(self, wanted)
    return add(self, method, check.boolean(wanted, 1, method))
  end
end

for _, method in ipairs({
  "allow_standard_urls",
  "allow_images",
  "allow_data_uri_images",
  "allow_lists",
  "allow_tables",
  "allow_standard_attributes",
}) do
  policy[method] = function(self)
    return add(self, method)
  end
end

--- Returns a builder of a rule for attributes, which allows them once it is told where.
function policy:allow_attrs(...)
  return new_builder({ policy = self, names = names("allow_attrs", ...) })
end

--- Returns what the policy lets through of HTML.
function policy:sanitize(text)
  check.string(text, 1, "sanitize")
  local result, err = pure("html.sanitize", calls_of(self), text)
  if err then
    error(err, 0)
  end
  return result
end

--- Allows only values in which a regular expression (RE2) finds a match: `builder, nil` or `nil, err` (Invalid).
function builder:matching(pattern)
  check.string(pattern, 1, "matching")
  local _, err = pure("html.check_pattern", pattern)
  if err then
    return nil, err
  end
  rule_of(self).pattern = pattern
  return self, nil
end

local function allow(self, elements)
  local rule = rule_of(self)
  return add(
    rule.policy,
    "allow_attrs",
    { names = rule.names, pattern = rule.pattern, elements = elements }
  )
end

--- Allows the attributes on some elements, which are allowed too. Returns the policy.
function builder:on_elements(...)
  return allow(self, names("on_elements", ...))
end

--- Allows the attributes on every element that is allowed. Returns the policy.
function builder:globally()
  return allow(self, nil)
end

return html
