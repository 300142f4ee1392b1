-- The one way from the text of a program to a function. A text is Lua 5.4 first; only one that Lua's compiler refuses,
-- or in which a cast may hide, is read as typed Lua by the host, which turns it into Lua 5.4 with the same lines.
local use = ...
local call_themselves = use("kernel/core/self_calls")
local types = use("kernel/types/types")
local load, byte, find = load, string.byte, string.find

local compiler = {}

-- What may follow `as` where a cast is two statements of Lua: blanks, or what a call has first.
local may_follow = {}
for _, code in ipairs({ byte("\t\n\v\f\r (\"'[{", 1, -1) }) do
  may_follow[code] = true
end

-- Whether a place is behind a comment on its line.
local function is_remark(text, at)
  local line = at
  while line > 1 and byte(text, line - 1) ~= 10 do
    line = line - 1
  end
  return find(text:sub(line, at), "--", 1, true) ~= nil
end

-- Whether the word `as` at a place stands behind something on its line that is no comment, and before an argument.
local function is_cast(text, at)
  if at > 1 and find(text, "^[%w_]", at - 1) or not find(text, "^%s*[%({\"'%[]", at + 2) then
    return false
  end
  return not is_remark(text, at)
end

-- How types that every text has are used, which Lua has no globals for. `string` is its library, and a type as well.
local cast_patterns = {}
for name in ("boolean number integer any unknown never"):gmatch("%a+") do
  local word = "%f[%w_]" .. name
  cast_patterns[name] = { word .. "%s*[%({]", word .. "%s+[\"']", word .. "%s*[.:]%s*%a" }
end

-- Whether a text may use one of them.
local function may_use_types(text)
  for name, patterns in pairs(cast_patterns) do
    if find(text, name, 1, true) then
      for _, pattern in ipairs(patterns) do
        local at = find(text, pattern)
        while at do
          local is_field = find(text:sub(at > 2 and at - 2 or 1, at - 1), "^[^.]?[.:]$")
          if not is_field and not is_remark(text, at) then
            return true
          end
          at = find(text, pattern, at + 1)
        end
      end
    end
  end
  return false
end

-- `x as {T}`, `x as (T)` and `x as "text"` are two statements of Lua: a call of `as` is the second.
local function may_cast(text)
  local at = find(text, "as", 1, true)
  while at do
    if may_follow[byte(text, at + 2) or 0] and is_cast(text, at) then
      return true
    end
    at = find(text, "as", at + 2, true)
  end
  return may_use_types(text)
end

-- The text in Lua 5.4, as the host says: `code`, and where there are some `types` and `uses_types`; nil when nothing in
-- it is typed; or nil and what is wrong.
local function lower(text, name)
  local lowered, err = host.pure("language.lower", text)
  if err then
    return nil, err:message()
  elseif lowered and lowered.message then
    return nil, name .. ":" .. lowered.line .. ": " .. lowered.message
  end
  return lowered
end

-- A text for Lua's compiler, when that does not take it or may take it wrongly: the text, and where it is typed what
-- the host says of it; or nil and a message `NAME:LINE: …`. `name` is what the text is called in messages.
local function prepare(text, name)
  local chunk, message = load(text, "=" .. name, "t", {})
  local lowered, fault = lower(text, name)
  if lowered then
    chunk, message = load(lowered.code, "=" .. name, "t", {})
    if chunk then
      return lowered.code, lowered
    end
    return nil, message
  elseif fault or not chunk then
    return nil, fault or message
  end
  return text
end

local function scope_of(lowered, library)
  if lowered and (lowered.uses_types or lowered.types[1]) then
    return types.scope(lowered.types, library)
  end
  return nil
end

--- What `load` does with a text: the chunk, or nil and a message. `name` is in Lua's form (`=NAME`, `@FILE`, the text).
function compiler.chunk(text, name, env)
  local chunk, message = load(text, name, "t", env)
  if chunk and not may_cast(text) then
    return chunk
  end
  local lowered, fault = lower(text, compiler.shown(name))
  if not lowered then
    return not fault and chunk or nil, fault or message
  end
  local scope = scope_of(lowered)
  if not scope then
    return load(lowered.code, name, "t", env)
  end
  local made
  made, message =
    load("local __ty = ... return function(...) " .. lowered.code .. "\nend", name, "t", env)
  if not made then
    return nil, message
  end
  chunk = made(scope.values)
  if type(env) == "table" then
    types.enter(scope, env)
  end
  return chunk
end

--- How Lua shows a name of a chunk in messages.
function compiler.shown(name)
  local _, message = load("=", name, "t", {})
  return message:match("^(.*):1: ")
end

-- The source with the text in it replaced: all that a program's text is wrapped in before it is on its first line.
local function wrap_again(source, text, code)
  local first = (find(text, "\n", 1, true) or #text + 1) - 1
  local start = find(source, "\n", 1, true) - 1 - first
  return source:sub(1, start) .. code .. source:sub(start + #text + 1)
end

-- Same line numbers as in the file: nothing is put before the first line but on that line.
local function load_factory(head, code, name)
  return load(
    "return function(" .. head .. ") return function(...) " .. code .. "\nend end",
    "=" .. name,
    "t",
    {}
  )
end

--- A factory of chunks: a function of the globals of a unit that gives its chunk; or nil and a message. `text` is what
--- a program has written where `source` puts more around it: it must be whole by itself, or it could close what is
--- around it. `library(alias)` gives the scope of types of an imported library. With `is_global(name)`, which knows the
--- globals of an application, `local f = function` can call itself. Second the chunk's own scope, where it has one.
function compiler.factory(source, name, text, library, is_global)
  if is_global then
    local own = call_themselves(text or source, name, is_global)
    source = text and wrap_again(source, text, own) or own
    text = text and own
  end
  if not may_cast(text or source) and (not text or load(text, "=" .. name, "t", {})) then
    local chunk = load_factory("_ENV", source, name)
    if chunk then
      return chunk()
    end
  end
  local code, lowered = prepare(text or source, name)
  if not code then
    return nil, lowered
  elseif text then
    code = wrap_again(source, text, code)
  end
  local scope = scope_of(lowered, library)
  local chunk, message = load_factory(scope and "_ENV, __ty" or "_ENV", code, name)
  if not chunk then
    return nil, message
  end
  local made = chunk()
  if not scope then
    return made
  end
  return function(env)
    types.enter(scope, env)
    return made(env, scope.values)
  end, scope
end

return compiler
