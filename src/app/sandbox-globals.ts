/** Globals of every entry, besides the modules that it lists. */
export const sandboxGlobals: ReadonlySet<string> = new Set(
  ("_G _GOPHER_LUA_VERSION _VERSION assert channel coroutine error errors getmetatable ipairs math next os package " +
    "pairs payload pcall print process rawequal rawget rawset require select setmetatable string subscribe table " +
    "tonumber tostring type unpack unsubscribe xpcall").split(" "),
);
