/** What a replay must see the same of the module `yaml`. */
export const probes = {
  "yaml.encode": `yaml.encode(tables()), yaml.encode({ b = 1, a = 2 })`,
  "yaml.decode": `yaml.decode("a: [1"), yaml.decode("{b: 1, a: 2}")`,
};
