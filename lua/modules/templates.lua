--- Module `templates`: fills the templates of `template.set` and `template.jet` entries with data.
-- @workflows yes
-- @sandbox no: the templates of the application
local runtime = ...
local check, effects, errors = runtime.check, runtime.effects, runtime.errors
local object = runtime.use("kernel/core/object")
local operation = effects.operation

local templates = {}

local methods = {}
local make_set, state_of = object.opaque("templates.Set", methods)

--- Returns a set of templates: `Set, nil` or `nil, err` (Invalid, NotFound, PermissionDenied).
function templates.get(id)
  check.string(id, 1, "get")
  local _, err = operation("templates.get", id)
  if err then
    return nil, err
  end
  return make_set({ id = id }), nil
end

--- Renders a template with `data`, whose keys are its variables: `string, nil` or `nil, err` (Invalid: empty name;
--- NotFound; Internal: the template fails, or the set is released).
function methods:render(name, data)
  local state = state_of(self)
  check.string(name, 1, "render")
  check.optional(check.table, data, 2, "render")
  if state.released then
    return nil, errors.fail("Internal", "the template set is released")
  end
  return operation("templates.render", state.id, name, data)
end

--- Lets go of the set: later calls of `render` fail. Always true.
function methods:release()
  state_of(self).released = true
  return true
end

return templates
