/** What a replay must see the same of the module `loader`. */
export const probes = {
  "loader.new": `(function()
    local l = loader.new("app:files")
    return l and { l:load_directory("/"), (l:load_file("none.yaml")) }
  end)(), loader.new("app:none")`,
};
