import { describe, expect, test } from "bun:test";
import { evaluate } from "./lua-unit.ts";

describe("regexp", () => {
  test.each([
    ["a+", ':match_string("caat")', true],
    ["^a", ':match_string("ba")', false],
    ["a*", ':find_string("b")', undefined],
    ["a+", ':find_string("baac")', "aa"],
    ["x", ':find_string("b")', undefined],
    ["\\d+", ':find_all_string("1 22 333")', ["1", "22", "333"]],
    ["x", ':find_all_string("b")[1]', undefined],
    ["(a)(b)?", ':find_string_submatch("xac")', ["a", "a", ""]],
    ["(a)(b)?", ':find_string_submatch("x")', undefined],
    ["(\\w)(\\d)", ':find_all_string_submatch("a1 b2")', [["a1", "a", "1"], ["b2", "b", "2"]]],
    ["b+", ':find_string_index("abbc")', [2, 3]],
    // Bytes, not characters.
    ["b+", ':find_string_index("ébb")', [3, 4]],
    ["b", ':find_all_string_index("bab")', [[1, 1], [3, 3]]],
    ["b", ':find_all_string_index("x")', undefined],
    ["(\\w+) (\\w+)", ':replace_all_string("hello world", "$2 ${1}!$$")', "world hello!$"],
    ["(?P<first>\\w+) x", ':replace_all_string("a x", "${first}-$first-$1x-$9")', "a-a--"],
    ["a*", ':replace_all_string("baac", "-")', "-b-c-"],
    [",", ':split("a,b,c")', ["a", "b", "c"]],
    [",", ':split("a,b,c", 2)', ["a", "b,c"]],
    [",", ':split("a,b,c", 0)[1]', undefined],
    [",", ':split("")', [""]],
    ["", ':split("aé")', ["a", "é"]],
    ["(a)(?P<n>b)", ":num_subexp()", 2],
    ["(a)(?P<n>b)", ":subexp_names()", ["", "", "n"]],
    ["a+", ":string()", "a+"],
    ["(?i)HÉLLO", ':match_string("héllo")', true],
  ])("%s %s", async (pattern, call, expected) => {
    const code = `return assert(text.regexp.compile((...)))${call}`;
    expect(await evaluate(code, { args: [pattern] })).toEqual(expected);
  });

  test("empty matches are those of RE2", async () => {
    const code = 'return assert(text.regexp.compile("a*")):find_all_string_index("baab")';
    expect(await evaluate(code)).toEqual([[1, 0], [2, 3], [5, 4]]);
  });

  test("bytes that are no text are matched and kept", async () => {
    const code = `
      local r = assert(text.regexp.compile("b+"))
      local out = r:replace_all_string("\\xffbb\\xfe", "x")
      return { out == "\\xffx\\xfe", r:find_string_index("\\xffbb")[1] }`;
    expect(await evaluate(code)).toEqual([true, 2]);
  });

  test.each(['"("', '"(?=a)"', '"\\\\1"', "5", "nil"])(
    "compile(%s) is Invalid",
    async (pattern) => {
      const code = `local r, err = text.regexp.compile(${pattern}) return { r == nil, err:kind() }`;
      expect(await evaluate(code)).toEqual([true, "Invalid"]);
    },
  );

  test("takes linear time where backtracking would not end", async () => {
    const code = 'return text.regexp.compile("(a*)*b"):match_string(("a"):rep(20000))';
    expect(await evaluate(code)).toBe(false);
  });

  test("methods refuse another self, and nothing of an object can be changed", async () => {
    const code = `
      local r, d = text.regexp.compile("a"), text.diff.new()
      return { pcall(r.find_string, d, "a") == false, pcall(r.string, {}) == false,
        pcall(function() r.pattern = "b" end) == false, r:string() }`;
    expect(await evaluate(code)).toEqual([true, true, true, "a"]);
  });
});

describe("diff", () => {
  test("compares, sums up and shows", async () => {
    const code = `
      local d = assert(text.diff.new())
      local diffs = assert(d:compare("a<b\\n", "a>b\\n"))
      return { diffs, d:summarize(diffs), d:pretty_text(diffs), d:pretty_html(diffs) }`;
    expect(await evaluate(code)).toEqual([
      [
        { operation: "equal", text: "a" },
        { operation: "delete", text: "<" },
        { operation: "insert", text: ">" },
        { operation: "equal", text: "b\n" },
      ],
      { equals: 3, deletions: 1, insertions: 1 },
      "a\x1b[31m<\x1b[0m\x1b[32m>\x1b[0mb\n",
      '<span>a</span><del style="background:#ffe6e6;">&lt;</del>' +
      '<ins style="background:#e6ffe6;">&gt;</ins><span>b&para;<br></span>',
    ]);
  });

  test("patches are made and applied, and say when they do not fit", async () => {
    const code = `
      local d = assert(text.diff.new())
      local patches = assert(d:patch_make("The cat sat.", "The cap spat."))
      patches[#patches + 1] = { text = "no patch" }
      local there, all = d:patch_apply(patches, "The cat sat.")
      local elsewhere, some = d:patch_apply(patches, "entirely different words")
      return { there, all, some, elsewhere }`;
    expect(await evaluate(code)).toEqual([
      "The cap spat.",
      true,
      false,
      "entirely different words",
    ]);
  });

  test("an option of another type is Invalid", async () => {
    expect(await evaluate('return select(2, text.diff.new({ diff_timeout = "x" })):kind()'))
      .toBe("Invalid");
  });
});

describe("splitter", () => {
  test("chunks are as large as allowed and overlap", async () => {
    const code = `
      local s = assert(text.splitter.recursive({ chunk_size = 15, chunk_overlap = 5 }))
      return assert(s:split_text("One two three.\\n\\nFour five six seven eight.\\nNine ten"))`;
    expect(await evaluate(code)).toEqual([
      "One two three.",
      "Four five six",
      "six seven",
      "seven eight.",
      "Nine ten",
    ]);
  });

  test("no chunk is too large, and nothing but space is lost", async () => {
    const code = `
      local words = {}
      for i = 1, 300 do words[i] = ("w"):rep(i % 17 + 1) .. i end
      local source = table.concat(words, " ")
      local s = assert(text.splitter.recursive({ chunk_size = 40, chunk_overlap = 0 }))
      local chunks = assert(s:split_text(source))
      for _, chunk in ipairs(chunks) do assert(#chunk <= 40) end
      return table.concat(chunks, " ") == source`;
    expect(await evaluate(code)).toBe(true);
  });

  test("batches keep their metadata, and skip what is empty", async () => {
    const code = `
      local s = assert(text.splitter.recursive({ chunk_size = 4, chunk_overlap = 0, separators = { "," } }))
      local source = { { content = "ab,cd", metadata = { id = 1 } }, { content = "" } }
      local chunks = assert(s:split_batch(source))
      return { #chunks, chunks[2].content, chunks[2].metadata == source[1].metadata }`;
    expect(await evaluate(code)).toEqual([2, "cd", true]);
  });

  test.each([
    ["recursive({ chunk_size = 0 })", "Invalid"],
    ["recursive({ chunk_size = 10, chunk_overlap = 10 })", "Invalid"],
    ["recursive({ separators = {} })", "Invalid"],
    ["recursive({ separators = { 1 } })", "Invalid"],
    ["markdown({ chunk_size = 0 })", "Invalid"],
  ])("%s is %s", async (call, kind) => {
    expect(await evaluate(`return select(2, text.splitter.${call}):kind()`)).toBe(kind);
  });
});

const markdown = [
  "Intro",
  "",
  "# One",
  "",
  "First paragraph.",
  "",
  "Second with [a link][x].",
  "",
  "```lua",
  "# no heading",
  "```",
  "",
  "## Two",
  "",
  "| a | b |",
  "| - | - |",
  "| 1 | 2 |",
  "| 3 | 4 |",
  "",
  "[x]: http://x.org",
].join("\n");

test.each<[string, string[]]>([
  ["{}", [
    "Intro",
    "# One\nFirst paragraph.\n\nSecond with [a link][x].",
    "## Two\n| a | b |\n| - | - |\n| 1 | 2 |",
    "## Two\n| a | b |\n| - | - |\n| 3 | 4 |\n\n[x]: http://x.org",
  ]],
  [
    "{ heading_hierarchy = true, join_table_rows = true, reference_links = true, code_blocks = true }",
    [
      "Intro",
      "# One\nFirst paragraph.\n\nSecond with [a link](http://x.org).\n\n```lua\n# no heading\n```",
      "# One\n## Two\n| a | b |\n| - | - |\n| 1 | 2 |\n| 3 | 4 |",
    ],
  ],
  ["{ chunk_size = 40, chunk_overlap = 0, join_table_rows = true, reference_links = true }", [
    "Intro",
    "# One\nFirst paragraph.",
    "# One\nSecond with [a",
    "# One\nlink](http://x.org).",
    "## Two\n| a | b |\n| - | - |\n| 1 | 2 |",
    "## Two\n| a | b |\n| - | - |\n| 3 | 4 |",
  ]],
])("Markdown is split with %s", async (options, wanted) => {
  const code = `return assert(assert(text.splitter.markdown(${options})):split_text((...)))`;
  expect(await evaluate(code, { args: [markdown] })).toEqual(wanted);
});
