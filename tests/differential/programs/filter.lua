-- A text filter as people write them: options, standard input, standard error, a status.
local options, files = {}, {}
for _, a in ipairs(arg) do
  local key, value = a:match("^%-%-(%w+)=?(.*)$")
  if key then options[key] = value else files[#files + 1] = a end
end
if #files > 0 then io.stderr:write("too many files: ", #files, "\n") os.exit(2) end
local n = 0
while true do
  local line = io.read("L")
  if not line then break end
  if line:find(options.grep or "") then n = n + 1 io.write(("%02d: "):format(n), line) end
end
io.write("\n") io.stderr:write("matched ", n, "\n")
print(arg[0], #arg, arg[1], arg[2], select("#", ...), ...)
os.exit(n == 2, true)
