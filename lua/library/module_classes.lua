-- Classes of modules: what they reach, and whether workflows may use them.
local CLASSES <const> = {
  process = "process pg env system exec eval_runner subscribe unsubscribe supervisor server sys schedule activity",
  storage = "sql store fs registry cdc cloudstorage",
  network = "http http_client websocket hub cloudstorage",
  deterministic = "base64 compress expr hash html json payload templates text treesitter yaml",
  workflow = "contract crypto ctx funcs os process time uuid workflow",
}

local classes = {}
for class, names in pairs(CLASSES) do
  for name in names:gmatch("%S+") do
    local of = classes[name] or {}
    of[#of + 1] = class
    classes[name] = of
  end
end
for _, of in pairs(classes) do
  table.sort(of)
end

--- The names of a module's classes, sorted.
return function(name)
  return classes[name] or {}
end
