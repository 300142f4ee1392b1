const tree = 'treesitter.parse("json", "[1, 2]")';
const query = 'treesitter.query("json", "(number) @n")';

/** What a replay must see the same of the module `treesitter`. */
export const probes = {
  "treesitter.languages": "treesitter.languages()",
  "treesitter.parse": `${tree}:root():sexp(), ${tree}:edit({
      start_byte = 1, old_end_byte = 2, new_text = "3" }):text(), treesitter.parse("none", "")`,
  "treesitter.query":
    `#${query}:captures(${tree}), ${query}:matches(${tree})[2].captures[1].node:text(),
      ${query}:capture_names(), ${query}:pattern_count(), treesitter.query("json", "(")`,
};
