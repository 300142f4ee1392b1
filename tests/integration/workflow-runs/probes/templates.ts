/** What a replay must see the same of the module `templates`. */
export const probes = {
  "templates.get": `(function()
    local set = assert(templates.get("app:pages"))
    return set:render("page", { x = math.random(1000000) }), set:release()
  end)()`,
};
