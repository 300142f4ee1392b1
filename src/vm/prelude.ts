/** Lua code that every VM runs first: the fields of `host` that are made of Lua's own libraries. */
export const prelude = `
io.stdout:setvbuf("no")
host.traceback, host.getinfo = debug.traceback, debug.getinfo
local getinfo = debug.getinfo
function host.where(co, level)
  local info
  if level == nil then
    info = getinfo(co + 1, "Sl")
  else
    info = getinfo(co, level, "Sl")
  end
  if info and info.currentline > 0 then
    return info.short_src .. ":" .. info.currentline
  end
end`;
