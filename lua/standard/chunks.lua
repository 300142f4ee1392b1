-- Code of scripts that is loaded while they run: `load`, `loadfile`, `dofile`, `require` and `package`. Each unit has
-- its own, as each has its own globals. The text of a file is compiled once per worker.
local use = ...
local compiler = use("kernel/core/compiler")
local files = use("standard/files")
local tostring = use("kernel/core/stable").tostring

local chunks = {}

local SIGNATURE <const> = 27

-- Code under such a name would count as the kernel's own, which is not preempted.
local function chunk_name(name)
  return name:sub(1, 5) == "=lua/" and "=./" .. name:sub(2) or name
end

local function compile(text, name, mode, env)
  if text:byte(1) == SIGNATURE then
    return nil, "attempt to load a binary chunk (this program loads text only)"
  end
  if mode ~= nil and not mode:find("t", 1, true) then
    return nil, ("attempt to load a text chunk (mode is '%s')"):format(mode)
  end
  return compiler.chunk(text, chunk_name(name), env)
end

-- The text of a reader function, whose pieces end with nil or "".
local function read_pieces(reader)
  local pieces, n = {}, 0
  while true do
    local piece = reader()
    if piece == nil or piece == "" then
      return table.concat(pieces)
    elseif type(piece) ~= "string" then
      return nil, "reader function must return a string"
    end
    n = n + 1
    pieces[n] = piece
  end
end

--- `load` of a unit with the globals `env`.
function chunks.load(env)
  return function(chunk, name, mode, ...)
    local target = env
    if select("#", ...) > 0 then
      target = (...)
    end
    if type(chunk) == "number" then
      chunk = tostring(chunk)
    end
    if type(chunk) == "function" then
      local ok, text, message = pcall(read_pieces, chunk)
      if not ok or not text then
        return nil, message or text
      end
      return compile(text, name or "=(load)", mode, target)
    elseif type(chunk) ~= "string" then
      error("bad argument #1 to 'load' (function expected, got " .. host.type(chunk) .. ")", 2)
    end
    return compile(chunk, name or chunk, mode, target)
  end
end

-- A file may begin with a mark of its encoding and with a line that names its interpreter.
local function without_head(text)
  text = text:gsub("^\u{FEFF}", "")
  return (text:gsub("^#[^\n]*", ""))
end

-- The text of a file of code; or nil and why not.
local function source_of(path)
  local text, err = host.pure("io.read_source", path)
  if err then
    return nil, err:message()
  elseif type(text) == "table" then
    return nil, text[1]
  end
  return without_head(text)
end

--- `loadfile` of a unit; `io()` gives its library `io`.
function chunks.loadfile(env, io)
  return function(name, mode, ...)
    local target = env
    if select("#", ...) > 0 then
      target = (...)
    end
    if name == nil then
      local text, message = files.rest_of_input(io().stdin)
      if not text then
        return nil, message
      end
      return compile(without_head(text), "=stdin", mode, target)
    end
    local text, message = source_of(name)
    if not text then
      return nil, "cannot open " .. name .. ": " .. message
    end
    return compile(text, "@" .. name, mode, target)
  end
end

--- `dofile` of a unit with that `loadfile`.
function chunks.dofile(loadfile)
  return function(name)
    local chunk, message = loadfile(name)
    if not chunk then
      error(message, 0)
    end
    return chunk()
  end
end

-- Factories of files that were required: path -> function(_ENV) that gives the chunk.
local compiled = {}
-- Where a module was found: path template -> name -> path, or false.
local found = {}

local function candidates(name, path, separator, replacement)
  if separator ~= "" then
    name = name:gsub(separator:gsub("%p", "%%%0"), (replacement:gsub("%%", "%%%%")))
  end
  local list = {}
  for template in path:gmatch("[^;]+") do
    list[#list + 1] = template:gsub("%?", (name:gsub("%%", "%%%%")))
  end
  return list
end

-- The first file of a path that is there, or nil and the lines that say where it is not.
local function search(name, path, separator, replacement)
  local list = candidates(name, path, separator or ".", replacement or "/")
  local index, err = 0, nil
  if #list > 0 then
    index, err = host.pure("io.find_source", list)
    if err then
      error(err:message(), 0)
    end
  end
  if index > 0 then
    return list[index]
  end
  for i, file in ipairs(list) do
    list[i] = "no file '" .. file .. "'"
  end
  return nil, table.concat(list, "\n\t")
end

-- `settled`: where there is no file there will be none, since a module of the product has the name.
local function search_remembered(name, path, settled)
  local known = found[path]
  if not known then
    known = {}
    found[path] = known
  end
  local file = known[name]
  if file == nil then
    local tried
    file, tried = search(name, path)
    known[name] = file or false
    return file, tried
  elseif file then
    return file
  elseif settled then
    return nil, "no file in '" .. path .. "'"
  end
  return search(name, path)
end

-- The chunk of a file for a unit; the compiler sees each text once, and a faulty one as it is.
local function chunk_of(file, env)
  local factory = compiled[file]
  if not factory then
    local text, message = source_of(file)
    if not text then
      return nil, "cannot open " .. file .. ": " .. message
    end
    local name = chunk_name("@" .. file)
    local chunk
    chunk, message = compile(text, name, nil, env)
    if not chunk then
      return nil, message
    end
    local made = compiler.factory(text, compiler.shown(name))
    if not made then
      return chunk
    end
    factory = made
    compiled[file] = factory
  end
  return factory(env)
end

--- `package` and `require` of a unit. `script`: what is known of the script: `path` (of its own modules), `file`;
--- `library(name)` gives a library of Lua's own, `builtin(name)` a module of the product, or nil.
function chunks.package(env, script, library, builtin)
  local preload, loaded = {}, {}
  local package = {
    path = script.path,
    cpath = "",
    config = "/\n;\n?\n!\n-\n",
    loaded = loaded,
    preload = preload,
    loadlib = function()
      return nil, "libraries in C cannot be loaded", "absent"
    end,
    searchpath = function(name, path, separator, replacement)
      local file, tried = search(name, path, separator, replacement)
      return file, tried
    end,
  }

  local function from_preload(name)
    local loader = preload[name]
    if loader == nil then
      return "no field package.preload['" .. name .. "']"
    end
    return loader, ":preload:"
  end

  local function from_path(name)
    if type(package.path) ~= "string" then
      error("'package.path' must be a string", 2)
    end
    local file, tried = search_remembered(name, package.path, builtin(name) ~= nil)
    if not file then
      return tried
    elseif script.file and script.file == file:gsub("^%./", "") then
      -- A script that is called as a module of the product means the module.
      return "'" .. file .. "' is the script itself"
    end
    local chunk, message = chunk_of(file, env)
    if not chunk then
      error("error loading module '" .. name .. "' from file '" .. file .. "':\n\t" .. message, 0)
    end
    return chunk, file
  end

  local function from_product(name)
    local value = builtin(name)
    if value == nil then
      return "no module of wippy"
    end
    return function()
      return value
    end, ":wippy:"
  end

  package.searchers = { from_preload, from_path, from_product }

  local function require(name)
    if type(name) == "number" then
      name = tostring(name)
    elseif type(name) ~= "string" then
      local got = name == nil and "no value" or host.type(name)
      error("bad argument #1 to 'require' (string expected, got " .. got .. ")", 2)
    end
    local value = loaded[name]
    if value == nil then
      value = library(name)
    end
    if value ~= nil then
      loaded[name] = value
      return value
    end
    local searchers = package.searchers
    if type(searchers) ~= "table" then
      error("'package.searchers' must be a table", 2)
    end
    local tried = {}
    for _, searcher in ipairs(searchers) do
      local loader, place = searcher(name)
      if type(loader) == "function" then
        value = loader(name, place)
        if value ~= nil then
          loaded[name] = value
        elseif loaded[name] == nil then
          loaded[name] = true
        end
        return loaded[name], place
      elseif type(loader) == "string" then
        tried[#tried + 1] = "\n\t" .. loader
      end
    end
    error("module '" .. name .. "' not found:" .. table.concat(tried), 2)
  end

  return package, require
end

return chunks
