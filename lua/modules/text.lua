--- Module `text`: regular expressions (RE2), differences and patches, and splitting of long texts.
-- @workflows yes
-- @sandbox yes
local runtime = ...
local check, effects, errors, pure = runtime.check, runtime.effects, runtime.errors, runtime.pure

local text = { regexp = {}, diff = {}, splitter = {} }

-- What objects hold, out of reach of those who hold them.
local held = setmetatable({}, { __mode = "k" })

local function invalid(message)
  return nil, errors.fail("Invalid", message)
end

-- The state of an object, for its methods only.
local function state(self, kind, method)
  local found = held[self]
  if not found or found.kind ~= kind then
    check.fail(1, method, kind, self)
  end
  return found
end

local regexp = {}
local new_regexp = runtime.object("text.Regexp", regexp)

--- Compiles a regular expression (RE2 syntax): `Regexp, nil` or `nil, err` (Invalid).
function text.regexp.compile(pattern)
  if type(pattern) ~= "string" then
    return invalid("a regular expression is a string, got " .. host.type(pattern))
  end
  local names, err = pure("text.compile", pattern)
  if not names then
    return nil, err
  end
  local object = new_regexp({})
  held[object] = { kind = "text.Regexp", pattern = pattern, names = names }
  return object, nil
end

-- At most `most` matches (-1: all), each a list of byte offsets from 0: start and end of the whole, then of each group.
local function matches(self, subject, most, method)
  local found = state(self, "text.Regexp", method)
  check.string(subject, 2, method)
  -- The pattern was compiled before, so this cannot fail; and no match is an empty table.
  return pure("text.matches", found.pattern, subject, most) or {}
end

local function whole(subject, match)
  return subject:sub(match[1] + 1, match[2])
end

local function submatches(subject, match)
  local list = {}
  for i = 1, #match, 2 do
    list[#list + 1] = match[i] < 0 and "" or subject:sub(match[i] + 1, match[i + 1])
  end
  return list
end

--- Whether the text holds a match.
function regexp:match_string(subject)
  return matches(self, subject, 1, "match_string")[1] ~= nil
end

--- Returns the first match; nil when there is none, or an empty one.
function regexp:find_string(subject)
  local match = matches(self, subject, 1, "find_string")[1]
  local found = match and whole(subject, match)
  return found ~= "" and found or nil
end

--- Returns all matches as a list.
function regexp:find_all_string(subject)
  local list = matches(self, subject, -1, "find_all_string")
  for i, match in ipairs(list) do
    list[i] = whole(subject, match)
  end
  return list
end

--- Returns the first match and its groups, `{full, g1, …}`; a group without a part in it is "". Nil without a match.
function regexp:find_string_submatch(subject)
  local match = matches(self, subject, 1, "find_string_submatch")[1]
  return match and submatches(subject, match)
end

--- Returns all matches with their groups.
function regexp:find_all_string_submatch(subject)
  local list = matches(self, subject, -1, "find_all_string_submatch")
  for i, match in ipairs(list) do
    list[i] = submatches(subject, match)
  end
  return list
end

--- Returns first and last byte of the first match, from 1, or nil.
function regexp:find_string_index(subject)
  local match = matches(self, subject, 1, "find_string_index")[1]
  return match and { match[1] + 1, match[2] }
end

--- Returns first and last byte of every match, or nil without any.
function regexp:find_all_string_index(subject)
  local list = matches(self, subject, -1, "find_all_string_index")
  for i, match in ipairs(list) do
    list[i] = { match[1] + 1, match[2] }
  end
  return list[1] and list
end

--- Returns the text with every match replaced; `$1` and `${name}` stand for groups, `$$` for a dollar sign.
function regexp:replace_all_string(subject, replacement)
  local found = state(self, "text.Regexp", "replace_all_string")
  check.string(subject, 2, "replace_all_string")
  check.string(replacement, 3, "replace_all_string")
  return (pure("text.replace", found.pattern, subject, replacement))
end

--- Returns the parts between matches: at most `n`, all when negative (the default), none when 0.
function regexp:split(subject, n)
  local found = state(self, "text.Regexp", "split")
  check.string(subject, 2, "split")
  n = check.optional(check.integer, n, 3, "split") or -1
  return (pure("text.split", found.pattern, subject, n))
end

--- Returns the number of groups.
function regexp:num_subexp()
  return #state(self, "text.Regexp", "num_subexp").names - 1
end

--- Returns the names of the groups; the first is that of the whole match, "".
function regexp:subexp_names()
  return table.move(
    state(self, "text.Regexp", "subexp_names").names,
    1,
    self:num_subexp() + 1,
    1,
    {}
  )
end

--- Returns the pattern.
function regexp:string()
  return state(self, "text.Regexp", "string").pattern
end

local differ = {}
local new_differ = runtime.object("text.Differ", differ)

-- Options of a differ: what the host calls them, and the defaults.
local DIFF_OPTIONS <const> = {
  diff_timeout = { "diffTimeout", 1.0 },
  diff_edit_cost = { "diffEditCost", 4 },
  match_threshold = { "matchThreshold", 0.5 },
  match_distance = { "matchDistance", 1000 },
  patch_delete_threshold = { "patchDeleteThreshold", 0.5 },
  patch_margin = { "patchMargin", 4 },
}

--- Returns a differ: `Differ, nil` or `nil, err` (Invalid option).
function text.diff.new(options)
  options = check.optional(check.table, options, 1, "new") or {}
  local given = {}
  for name, option in pairs(DIFF_OPTIONS) do
    local value = options[name]
    if value ~= nil and type(value) ~= "number" then
      return invalid(name .. " must be a number, got " .. host.type(value))
    end
    given[option[1]] = value or option[2]
  end
  local object = new_differ({})
  held[object] = { kind = "text.Differ", options = given }
  return object, nil
end

--- Returns how `a` becomes `b`, a list of `{operation = "equal" | "delete" | "insert", text}`: `list, nil` or `nil,
--- err`.
function differ:compare(a, b)
  local found = state(self, "text.Differ", "compare")
  check.string(a, 2, "compare")
  check.string(b, 3, "compare")
  return effects.operation("text.diff", found.options, a, b)
end

local function differences(self, diffs, method)
  state(self, "text.Differ", method)
  check.table(diffs, 2, method)
  for i, diff in ipairs(diffs) do
    if type(diff) ~= "table" or type(diff.text) ~= "string" then
      check.fail(2, method, "list of differences", diffs[i])
    end
  end
  return diffs
end

--- Returns the bytes that stayed, went and came: `{equals, deletions, insertions}`.
function differ:summarize(diffs)
  local sums = { equal = 0, delete = 0, insert = 0 }
  for _, diff in ipairs(differences(self, diffs, "summarize")) do
    sums[diff.operation] = (sums[diff.operation] or 0) + #diff.text
  end
  return { equals = sums.equal, deletions = sums.delete, insertions = sums.insert }
end

local function rendered(self, diffs, method, write)
  local parts = {}
  for i, diff in ipairs(differences(self, diffs, method)) do
    parts[i] = write(diff.operation, diff.text)
  end
  return table.concat(parts)
end

--- Returns the differences for a terminal: what came in green, what went in red.
function differ:pretty_text(diffs)
  return rendered(self, diffs, "pretty_text", function(operation, part)
    local colour = operation == "insert" and "32" or operation == "delete" and "31"
    return colour and "\27[" .. colour .. "m" .. part .. "\27[0m" or part
  end)
end

local ENTITIES <const> = { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ["\n"] = "&para;<br>" }

--- Returns the differences as HTML.
function differ:pretty_html(diffs)
  return rendered(self, diffs, "pretty_html", function(operation, part)
    local escaped = part:gsub("[&<>\n]", ENTITIES)
    if operation == "insert" then
      return '<ins style="background:#e6ffe6;">' .. escaped .. "</ins>"
    elseif operation == "delete" then
      return '<del style="background:#ffe6e6;">' .. escaped .. "</del>"
    end
    return "<span>" .. escaped .. "</span>"
  end)
end

--- Returns patches that make `a` into `b`, a list of `{text}`: `list, nil` or `nil, err`.
function differ:patch_make(a, b)
  local found = state(self, "text.Differ", "patch_make")
  check.string(a, 2, "patch_make")
  check.string(b, 3, "patch_make")
  local patches, err = effects.operation("text.make_patches", found.options, a, b)
  if not patches then
    return nil, err
  end
  for i, patch in ipairs(patches) do
    patches[i] = { text = patch }
  end
  return patches, nil
end

--- Applies patches to a text: `string, applied`. Patches that cannot be read are skipped.
function differ:patch_apply(patches, subject)
  local found = state(self, "text.Differ", "patch_apply")
  check.table(patches, 2, "patch_apply")
  check.string(subject, 3, "patch_apply")
  local texts = {}
  for _, patch in ipairs(patches) do
    if type(patch) == "table" and type(patch.text) == "string" then
      texts[#texts + 1] = patch.text
    end
  end
  local result, err = effects.operation("text.apply_patches", found.options, texts, subject)
  if not result then
    return nil, err
  end
  return result[1], result[2]
end

local splitter = {}
local new_splitter = runtime.object("text.Splitter", splitter)

local SEPARATORS <const> = { "\n\n", "\n", " ", "" }

local function size_of(options, name, default, least)
  local value = options[name]
  if value == nil then
    return default
  end
  local integer = math.type(value) and math.tointeger(value)
  if not integer or integer < least then
    return invalid(name .. " must be an integer of at least " .. least)
  end
  return integer
end

-- The sizes that options name: `{size, overlap}`; or nil and an Error.
local function limits_of(options)
  local size, err = size_of(options, "chunk_size", 512, 1)
  if not size then
    return nil, err
  end
  local overlap
  overlap, err = size_of(options, "chunk_overlap", math.min(100, size - 1), 0)
  if not overlap then
    return nil, err
  end
  if overlap >= size then
    return invalid("chunk_overlap must be less than chunk_size")
  end
  return { size = size, overlap = overlap }
end

--- Returns a splitter that cuts at the coarsest separator that helps: `Splitter, nil` or `nil, err` (Invalid option).
-- Options: `chunk_size` (512) and `chunk_overlap` (100) in characters, `separators`, `keep_separator` (false).
function text.splitter.recursive(options)
  options = check.optional(check.table, options, 1, "recursive") or {}
  local limits, err = limits_of(options)
  if not limits then
    return nil, err
  end
  local separators = options.separators or SEPARATORS
  if type(separators) ~= "table" or #separators == 0 then
    return invalid("separators must be a list of strings")
  end
  for _, separator in ipairs(separators) do
    if type(separator) ~= "string" then
      return invalid("separators must be a list of strings")
    end
  end
  local object = new_splitter({})
  held[object] = {
    kind = "text.Splitter",
    limits = limits,
    separators = table.move(separators, 1, #separators, 1, {}),
    keep = options.keep_separator == true,
  }
  return object, nil
end

--- Returns a splitter that cuts Markdown at its headings: `Splitter, nil` or `nil, err` (Invalid option). Options:
-- `chunk_size` (512), `chunk_overlap` (100); `code_blocks`, `reference_links`, `heading_hierarchy`, `join_table_rows`
-- (all false).
function text.splitter.markdown(options)
  options = check.optional(check.table, options, 1, "markdown") or {}
  local limits, err = limits_of(options)
  if not limits then
    return nil, err
  end
  limits.codeBlocks = options.code_blocks == true
  limits.referenceLinks = options.reference_links == true
  limits.headingHierarchy = options.heading_hierarchy == true
  limits.joinTableRows = options.join_table_rows == true
  local object = new_splitter({})
  held[object] = { kind = "text.Splitter", limits = limits, markdown = true }
  return object, nil
end

--- Returns the chunks of a text: `list, nil` or `nil, err` (Internal).
function splitter:split_text(subject)
  local found = state(self, "text.Splitter", "split_text")
  check.string(subject, 2, "split_text")
  if found.markdown then
    return pure("text.split_markdown", found.limits, subject)
  end
  return pure("text.split_recursively", found.limits, found.separators, found.keep, subject)
end

--- Returns the chunks of several texts `{content, metadata}`, each chunk with its text's metadata: `list, nil` or
--- `nil, err`.
function splitter:split_batch(documents)
  state(self, "text.Splitter", "split_batch")
  check.table(documents, 2, "split_batch")
  local all = {}
  for i, document in ipairs(documents) do
    if type(document) ~= "table" or type(document.content) ~= "string" then
      return invalid("document " .. i .. " has no content")
    end
    if document.content ~= "" then
      local chunks, err = self:split_text(document.content)
      if not chunks then
        return nil, err
      end
      for _, chunk in ipairs(chunks) do
        all[#all + 1] = { content = chunk, metadata = document.metadata }
      end
    end
  end
  return all, nil
end

return text
