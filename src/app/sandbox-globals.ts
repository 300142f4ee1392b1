/** Globals of every entry, besides the modules that it lists. */
export const sandboxGlobals: ReadonlySet<string> = new Set(
  ("_G _VERSION any assert boolean channel coroutine error errors getmetatable integer ipairs math never next " +
    "number os package pairs payload pcall print process rawequal rawget rawset require select " +
    "setmetatable string subscribe table tonumber tostring type unknown unpack unsubscribe xpcall")
    .split(" "),
);
