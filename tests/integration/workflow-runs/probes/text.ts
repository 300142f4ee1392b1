/** What a replay must see the same of the module `text`. */
export const probes = {
  "text.regexp.compile": `tostring(text.regexp.compile("a(b)")), text.regexp.compile("(")`,
  "text.diff.new": `text.diff.new():compare("abc", "abd"), text.diff.new():patch_make("a", "b")`,
  "text.splitter.recursive":
    `text.splitter.recursive({ chunk_size = 5 }):split_text("some words here")`,
  "text.splitter.markdown": "text.splitter.markdown()",
};
