const store = 'assert(store.get("app:cache"))';

/** What a replay must see the same of the module `store`. */
export const probes = {
  "store.get": `(function()
    local s = ${store}
    return s:set("a", math.random(1000000)), s:get("a"), s:entry("a"), s:put("b", { 1 }, { only_if_absent = true }),
      s:has("a"), s:list(), s:delete("a"), s:info(), s:release()
  end)()`,
};
