import { describe, expect, test } from "bun:test";
import { grammarOf } from "../../../src/operations/treesitter/grammars.ts";
import { evaluate } from "./lua-unit.ts";

/** A text of each language, with characters of one to four bytes. */
const texts: Readonly<Record<string, string>> = {
  bash: 'for f in *; do echo "ä $f 😀"; done\n',
  c: "int f(int a) { return a + 1; /* ä */ }\n",
  css: "a > b.c { color: red; } /* 😀 */\n",
  go: 'package a\n\nfunc f(a int) string { return "ä😀" }\n',
  html: '<p class="a">ä <b>😀</b></p>\n',
  java: 'class A { String f(int a) { return "😀"; } }\n',
  javascript: 'const f = async (a) => [`ä ${a}`, { b: "😀" }];\n',
  json: '{ "ä": [1, null, "😀"] }\n',
  lua: "local a = { 'ä', x = '😀' } -- ü\nreturn a.x\n",
  python: "def f(a: int) -> str:\n    return 'ä😀' + str(a)\n",
  rust: 'fn f(a: u8) -> &str { "ä😀" }\n',
  toml: '[a]\nb = "😀"\n',
  tsx: "const a = <b c={1}>ä 😀</b>;\n",
  typescript: "function f<T>(a: T): string { return 'ä😀'; }\n",
  yaml: "a: [1, ä]\nb: 😀\n",
};

describe("languages", () => {
  test("all are there", async () => {
    expect(await evaluate("return treesitter.languages()")).toEqual(Object.keys(texts));
  });

  test.each(Object.entries(texts))("%s: the tree is the library's", async (language, text) => {
    // Of each node: its place in bytes and points, its text, and what leads to it.
    const code = `
      local language, text = ...
      local tree = assert(treesitter.parse(language, text))
      local list = {}
      local function visit(node)
        local from, to = node:start_point(), node:end_point()
        list[#list + 1] = { node:kind(), node:is_named(), node:text(), node:start_byte(), node:end_byte(),
          from.row, from.column, to.row, to.column, node:field_name() or "", node:child_count(), node:has_error() }
        for _, child in ipairs(node:children()) do
          assert(child:parent() == node)
          visit(child)
        end
      end
      visit(tree:root())
      return { tree:root():sexp(), list }`;
    const [sexp, nodes] = await evaluate(code, { args: [language, text] }) as [string, unknown[]];

    const tree = grammarOf(language).parser.parse(text)!;
    const bytes = (index: number) => Buffer.byteLength(text.slice(0, index));
    const column = (index: number) => Buffer.byteLength(text.slice(0, index).split("\n").at(-1)!);
    const expected: unknown[] = [];
    const cursor = tree.walk();
    const visit = () => {
      const node = cursor.currentNode;
      const { startIndex, endIndex, startPosition, endPosition } = node;
      expected.push([
        node.type,
        node.isNamed,
        node.text,
        bytes(startIndex),
        bytes(endIndex),
        startPosition.row,
        column(startIndex),
        endPosition.row,
        column(endIndex),
        cursor.currentFieldName ?? "",
        node.childCount,
        node.hasError,
      ]);
      if (!cursor.gotoFirstChild()) return;
      do visit(); while (cursor.gotoNextSibling());
      cursor.gotoParent();
    };
    visit();
    expect(nodes).toEqual(expected);
    expect(sexp).toBe(tree.rootNode.toString());
    expect(tree.rootNode.hasError).toBe(false);
    tree.delete();
  });
});

describe("nodes", () => {
  const run = (body: string, text = 'local x = f("a", 2)\nreturn x\n') =>
    evaluate(
      `local tree = assert(treesitter.parse("lua", (...)))
       local root = tree:root()
       local function texts(list) for i, node in ipairs(list) do list[i] = node:text() end return list end
       ${body}`,
      { args: [text] },
    );

  test("children, siblings and fields, numbered from 0", async () => {
    expect(
      await run(`local call = root:named_descendant_for_byte_range(10, 19)
        local arguments = call:child_by_field_name("arguments")
        return { call:kind(), call:type(), texts(arguments:children()), texts(arguments:named_children()),
          arguments:child(0):text(), arguments:named_child(1):text(), arguments:child(9) == nil,
          arguments:child(-1) == nil,
          arguments:named_child_count(), arguments:child(1):next_sibling():text(),
          arguments:child(1):next_named_sibling():text(), arguments:child(3):prev_named_sibling():text(),
          arguments:child(0):prev_sibling() == nil, root:next_sibling() == nil, root:parent() == nil,
          texts(call:children_by_field_name("name")), call:child_by_field_name("nothing") == nil,
          arguments:field_name(), root:child(1):descendant_count() }`),
    ).toEqual([
      "function_call",
      "function_call",
      ["(", '"a"', ",", "2", ")"],
      ['"a"', "2"],
      "(",
      "2",
      true,
      true,
      2,
      ",",
      "2",
      '"a"',
      true,
      true,
      true,
      ["f"],
      true,
      "arguments",
      4,
    ]);
  });

  test("descendants at bytes and points", async () => {
    expect(
      await run(`local function at(node) return node and node:kind() .. " " .. node:text() end
        return { at(root:descendant_for_byte_range(11)), at(root:named_descendant_for_byte_range(11)),
          at(root:descendant_for_point_range({ row = 1, column = 7 })), at(root:descendant_for_byte_range(6, 7)),
          at(root:named_descendant_for_point_range({ row = 0, column = 12 }, { row = 0, column = 18 })),
          root:descendant_for_byte_range(100) == nil, root:descendant_for_point_range({ row = 9, column = 0 }) == nil,
          root:descendant_for_byte_range(5, 2) == nil }`),
    ).toEqual([
      "( (",
      'arguments ("a", 2)',
      "identifier x",
      "identifier x",
      'arguments ("a", 2)',
      true,
      true,
      true,
    ]);
  });

  test("errors and missing nodes", async () => {
    expect(
      await run(
        `local missing, broken
        local function visit(node)
          if node:is_missing() then missing = node:kind() end
          if node:is_error() then broken = node:text() end
          for _, child in ipairs(node:children()) do visit(child) end
        end
        visit(root)
        return { root:has_error(), root:child(0):has_error(), missing or "", broken or "", root:sexp() }`,
        "local y = 1\nlocal z = (2\n",
      ),
    ).toEqual([
      true,
      false,
      ")",
      "",
      expect.stringContaining('(number) (MISSING ")")'),
    ]);
    const broken = "return { root:has_error(), root:child(1):is_error(), root:child(1):text() }";
    expect(await run(broken, "local y = 1\nif x then\n")).toEqual([true, true, "if x then"]);
  });

  test("an edited tree is that of the new text", async () => {
    expect(
      await run(
        `local edited = assert(tree:edit({ start_byte = 6, old_end_byte = 7, new_text = "total" }))
        local _, wrong = tree:edit({ start_byte = 9, old_end_byte = 7, new_text = "" })
        local _, none = tree:edit({ start_byte = 0, old_end_byte = 0 })
        return { edited:text(), edited:language(),
          edited:root():named_descendant_for_byte_range(6, 11):text(), tree:text(), wrong:kind(), none:message() }`,
      ),
    ).toEqual([
      'local total = f("a", 2)\nreturn x\n',
      "lua",
      "total",
      'local x = f("a", 2)\nreturn x\n',
      "Invalid",
      "new_text must be a string",
    ]);
  });

  test("a deep tree does not run out of stack", async () => {
    const text = `return ${"(".repeat(3_000)}1${")".repeat(3_000)}\n`;
    expect(await run("return { #root:sexp() > 50000, root:has_error() }", text)).toEqual([
      true,
      false,
    ]);
  });
});

describe("queries", () => {
  const run = (query: string, body: string, text = "local a, bb = 1, 2\nprint(a, bb, 'a')\n") =>
    evaluate(
      `local text, source = ...
       local tree = assert(treesitter.parse("lua", text))
       local query, err = treesitter.query("lua", source)
       local function found(list)
         for i, c in ipairs(list) do list[i] = c.name .. " " .. c.node:text() end
         return list
       end
       ${body}`,
      { args: [text, query] },
    );

  test("matches with patterns, captures and properties, in a range or below a node", async () => {
    const query =
      '(function_call name: (_) @f arguments: (arguments (identifier) @a)) ((number) @n (#set! k "v"))';
    expect(
      await run(
        query,
        `local list = {}
        for i, m in ipairs(assert(query:matches(tree))) do
          list[i] = { m.pattern, m.properties.k or "", found(m.captures) }
        end
        local below = tree:root():named_child(0)
        return { list, query:capture_names(), query:pattern_count(),
          found(query:captures(below)), found(query:captures(tree, { start_byte = 17, end_byte = 18 })) }`,
      ),
    ).toEqual([
      [
        [1, "v", ["n 1"]],
        [1, "v", ["n 2"]],
        [0, "", ["f print", "a a"]],
        [0, "", ["f print", "a bb"]],
      ],
      ["f", "a", "n"],
      2,
      ["n 1", "n 2"],
      ["n 2"],
    ]);
  });

  test.each([
    ['((identifier) @i (#eq? @i "a"))', ["i a", "i a"]],
    ['((identifier) @i (#not-eq? @i "a"))', ["i bb", "i print", "i bb"]],
    ['((identifier) @i (#match? @i "^b+$"))', ["i bb", "i bb"]],
    ['((identifier) @i (#not-match? @i "^[ab]"))', ["i print"]],
    ['((identifier) @i (#any-of? @i "bb" "print"))', ["i bb", "i print", "i bb"]],
    ['((identifier) @i (#not-any-of? @i "bb" "print"))', ["i a", "i a"]],
    [
      "(arguments (identifier) @x (identifier) @y (#not-eq? @x @y))",
      ["x a", "y bb"],
    ],
    ['(arguments ((identifier) @i ",")+ (string) (#any-eq? @i "bb"))', ["i a", "i bb"]],
    ['(arguments ((identifier) @i ",")+ (string) (#eq? @i "a"))', "none"],
    ["((string) @s (#is-not? local)) ; #eq? @x\n", ["s 'a'"]],
    ['((string content: _ @s) (#eq? @s "#eq? \\"") (#strip! @s "x"))', "none"],
  ])("%s", async (query, expected) => {
    expect(
      await run(
        query,
        "assert(query, err) local list = found(query:captures(tree)) return list[1] and list or 'none'",
      ),
    )
      .toEqual(expected);
  });

  test("a pattern that takes exponential time elsewhere", async () => {
    const text = `local x = '${"a".repeat(5_000)}!'\n`;
    const query = '((string_content) @s (#match? @s "^(a+)+$"))';
    expect(await run(query, "return #query:matches(tree)", text)).toBe(0);
  });

  test.each([
    ["(nothing) @x", "the query is not valid at line 1 column 2: Bad node name 'nothing'"],
    ["(identifier) @x\n  (", "the query is not valid at line 2"],
    ['((identifier) @x (#lua-match? @x "a"))', "unknown predicate #lua-match?"],
    ['((identifier) @x (#match? @x "("))', '#match? "(": '],
    ["((identifier) @x (#match? @x @x))", "#match? compares with texts"],
    ["((identifier) @x (#eq? @x))", "#eq? needs a capture and one more"],
  ])("%s is refused", async (query, message) => {
    expect(await run(query, "return { query == nil, err:kind(), err:message() }"))
      .toEqual([true, "Invalid", expect.stringContaining(message)]);
  });

  test("a query and a tree of two languages, and what is no tree", async () => {
    expect(
      await run(
        "(identifier) @x",
        `local other = treesitter.parse("json", "1")
        local _, wrong = query:matches(other)
        local ok, raised = pcall(query.matches, query, 5)
        local _, option = query:matches(tree, { start_byte = -1 })
        return { wrong:message(), ok, raised, option:message() }`,
      ),
    ).toEqual([
      "the query is for lua, the tree is of json",
      false,
      expect.stringContaining("bad argument #2 to 'matches' (Tree or Node expected, got number)"),
      "start_byte must be a byte, from 0",
    ]);
  });
});

test("texts and queries that are no longer kept are read again", async () => {
  const code = `
    local trees, found = {}, {}
    for i = 1, 40 do
      local tree = assert(treesitter.parse("json", "[" .. i .. "]"))
      local query = assert(treesitter.query("json", "((number) @n" .. i .. ")"))
      trees[i] = { tree, query }
    end
    for i, pair in ipairs(trees) do
      local capture = pair[2]:captures(pair[1])[1]
      found[i] = capture.name == "n" .. i and tonumber(capture.node:text())
    end
    return found`;
  expect(await evaluate(code)).toEqual(Array.from({ length: 40 }, (_, index) => index + 1));
});

describe("limits", () => {
  test.each([
    ["luaa", "x", "Invalid", "unknown language luaa; did you mean lua?"],
    ["lua", "\xff", "Invalid", "the text must be UTF-8"],
    ["lua", "-".repeat(1_048_577), "Invalid", "a text of more than 1048576 bytes is not parsed"],
    ["json", `[${"1,".repeat(260_000)}1]`, "Invalid", "the tree has more than 500000 nodes"],
    // What is not Go makes the parser try again from each place.
    [
      "go",
      `({[<a b 'c" ;=>/* `.repeat(3_400),
      "Timeout",
      "parsing the text as go takes more than 3 s",
    ],
  ])("%s", async (language, text, kind, message) => {
    const code = `local language, text = ...
      local tree, err = treesitter.parse(language, text == "\\u{ff}" and "\\255" or text)
      local again = treesitter.parse("json", "[1]")
      return { tree == nil, err:kind(), err:message(), again:root():sexp() }`;
    expect(await evaluate(code, { args: [language, text] }))
      .toEqual([true, kind, message, "(document (array (number)))"]);
  }, 60_000);
});
