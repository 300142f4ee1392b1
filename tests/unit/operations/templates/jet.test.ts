import { describe, expect, test } from "bun:test";
import {
  LimitError,
  parseTemplate,
  render,
  TemplateError,
} from "../../../../src/operations/templates/jet/jet.ts";
import { fromLua, type ValueMap } from "../../../../src/registry/expression/value.ts";
import type { LuaValue } from "../../../../src/vm/value.ts";

interface Data {
  [name: string]: LuaValue;
}

/** Renders the first of several templates, given by name. */
function rendered(
  sources: string | Record<string, string>,
  data: Data = {},
  delimiters = { left: "{{", right: "}}" },
): string {
  const all: Record<string, string> = typeof sources === "string" ? { main: sources } : sources;
  const find = (name: string) => {
    const bare = name.replace(/^\.\//, "");
    return all[bare] === undefined ? undefined : parseTemplate(bare, all[bare], delimiters);
  };
  return render(find(Object.keys(all)[0]!)!, {
    find,
    data: fromLua(data) as ValueMap,
    globals: fromLua({ site: "Wippy" }) as ValueMap,
  });
}

const data = {
  name: "Ann",
  markup: `<b class="x">'&'</b>`,
  user: { name: "Bob", tags: ["a", "b"] },
  list: [1, 2, 3],
  empty: [],
  pairs: { b: 2, a: 1 },
  yes: true,
  n: 7,
};

describe("output", () => {
  test.each<[string, string]>([
    ["plain text", "plain text"],
    ["Hello {{ name }}!", "Hello Ann!"],
    ["{{name}}{{ site }}", "AnnWippy"],
    ["{{ markup }}", "&lt;b class=&#34;x&#34;&gt;&#39;&amp;&#39;&lt;/b&gt;"],
    ["{{ markup | raw }}", `<b class="x">'&'</b>`],
    ["{{ markup | unsafe }}{{ raw: markup }}{{ raw(markup) }}", `<b class="x">'&'</b>`.repeat(3)],
    ["{{ '<' }}", "60"],
    ['{{ "a<b" | safeHtml }}', "a&lt;b"],
    [`{{ "it's \\"x\\" <b>" | safeJs }}`, `it\\'s \\"x\\" \\u003Cb\\u003E`],
    ['{{ "a" }}{{ `b\\n` }}', "ab\\n"],
    ["{{ 1.5 }} {{ 2 }} {{ true }} {{ nil }}", "1.5 2 true "],
    ["{{ list }} {{ pairs }}", "[1 2 3] map[a:1 b:2]"],
    ["{* a comment {{ nothing }} *}x", "x"],
    ["a{* one\n two *}b", "ab"],
    // Trimming, on either side, across lines.
    ["a  {{- name -}}  b", "aAnnb"],
    ["a\n\t{{- name }} b", "aAnn b"],
    ["a {{ name -}}\n\n  b", "a Annb"],
    ["a {{-1}}", "a -1"],
    ["{{ . == nil }}", "false"],
    ["{{ .name }} {{ .user.name }}", "Ann Bob"],
  ])("%j", (source, wanted) => expect(rendered(source, data)).toBe(wanted));

  test("other delimiters", () => {
    const delimiters = { left: "[[", right: "]]" };
    expect(rendered("[[ name ]] {{ name }} [[- list[1] -]] !", data, delimiters))
      .toBe("Ann {{ name }}2!");
  });
});

describe("expressions", () => {
  test.each<[string, string]>([
    ["1 + 2 * 3 - 4", "3"],
    ["(1 + 2) * 3 - 4.1", "4.9"],
    ["7 / 2", "3"],
    ["7.0 / 2", "3.5"],
    ["7 % 2", "1"],
    ["-n", "-7"],
    ['"n: " + n', "n: 7"],
    ["n > 5 && n <= 7", "true"],
    ["!yes || n != 7", "false"],
    ["not yes", "false"],
    ['yes and name == "Ann"', "true"],
    ['yes ? "on" : "off"', "on"],
    ["user.name", "Bob"],
    ['user["name"]', "Bob"],
    ["user.tags[1]", "b"],
    ["user.missing", ""],
    ["pairs.missing == nil", "true"],
    ["list[1:]", "[2 3]"],
    ["list[:1]", "[1]"],
    ['"héllo"[0:1]', "h"],
    ['"helloworld"[1]', "101"],
    ["len(list)", "3"],
    ["len: list", "3"],
    ["isset(name)", "true"],
    ["isset(nothing)", "false"],
    ["isset(user.name, user.missing)", "false"],
    ["isset(.name) && !isset(.nothing.deep)", "true"],
    ["isset(list[7])", "false"],
    ["name | upper", "ANN"],
    ["name | lower | len", "3"],
    ["name | repeat(2)", "AnnAnn"],
    ["name | repeat: 2 | len", "6"],
    ['2 | repeat("x", _)', "xx"],
    ['replace("a-b-c", "-", "+", 1)', "a+b-c"],
    ['replace("a-b-c", "-", "+", -1)', "a+b+c"],
    ['split("a,b", ",")', "[a b]"],
    ['trimSpace("  x ")', "x"],
    ['hasPrefix("ab", "a") && hasSuffix("ab", "b")', "true"],
    ['url("a b&c/é")', "a+b%26c%2F%C3%A9"],
    ['html("<")', "&amp;lt;"],
    ['map("a", 1).a', "1"],
    ["slice(4, 5)[1]", "5"],
    ["json(pairs)", "{&#34;a&#34;:1,&#34;b&#34;:2}"],
    ["writeJson(pairs)", '{"a":1,"b":2}'],
    ["0x10 + 1e2", "116"],
  ])("%s", (source, wanted) => expect(rendered(`{{ ${source} }}`, data)).toBe(wanted));
});

describe("statements", () => {
  test.each<[string, string]>([
    ["{{ if yes }}a{{ end }}", "a"],
    ["{{ if empty }}a{{ else }}b{{ end }}", "b"],
    ["{{ if n == 1 }}a{{ else if n == 7 }}b{{ else }}c{{ end }}", "b"],
    ["{{ if user.missing }}a{{ end }}", ""],
    ["{{ if x := n + 1; x > 7 }}{{ x }}{{ end }}", "8"],
    ["{{ x := 1 }}{{ x = x + 1 }}{{ x }}", "2"],
    ["{{ x := 1 }}{{ if yes }}{{ x = 2 }}{{ y := 3 }}{{ end }}{{ x }}{{ isset(y) }}", "2false"],
    ["{{ a, b := 1, 2 }}{{ a }}{{ b }}", "12"],
    ["{{ name = 5 }}{{ name }}", "5"],
    ["{{ _ := upper(name) }}", ""],
    ["{{ range list }}{{ . }},{{ end }}", "1,2,3,"],
    ["{{ range i := list }}{{ i }}={{ . }} {{ end }}", "0=1 1=2 2=3 "],
    ["{{ range i, v := list }}{{ i }}={{ v }}{{ .name }} {{ end }}", "0=1Ann 1=2Ann 2=3Ann "],
    ["{{ range k, v := pairs }}{{ k }}={{ v }} {{ end }}", "a=1 b=2 "],
    ["{{ range pairs }}{{ . }}{{ end }}", "12"],
    ["{{ range empty }}x{{ else }}none{{ end }}", "none"],
    ["{{ range ints(2, 5) }}{{ . }}{{ end }}", "234"],
    [
      "{{ range _, v := list }}{{ range list }}{{ . * v }} {{ end }}{{ end }}",
      "1 2 3 2 4 6 3 6 9 ",
    ],
    ["a{{ try }}b{{ nothing }}c{{ end }}d", "ad"],
    ["{{ try }}b{{ catch }}c{{ end }}", "b"],
    ["{{ try }}b{{ nothing }}{{ catch }}c{{ end }}", "c"],
    [
      "{{ try }}{{ nothing }}{{ catch err }}{{ err.Error() }}{{ end }}{{ isset(err) }}",
      "template main:1: identifier &#34;nothing&#34; is not availablefalse",
    ],
  ])("%s", (source, wanted) => expect(rendered(source, data)).toBe(wanted));
});

describe("several templates", () => {
  test.each<[string, Record<string, string>, string]>([
    ["include", { main: '{{ x := 1 }}{{ include "part" }}', part: "{{ x }}{{ name }}" }, "1Ann"],
    ["include with context", { main: '{{ include "./part" user }}', part: "{{ .name }}" }, "Bob"],
    ["include of an item", { main: '{{ include "part" .user }}', part: "{{ .name }}" }, "Bob"],
    [
      "variables of an included template stay in it",
      { main: '{{ include "part" }}{{ isset(y) }}', part: "{{ y := 1 }}" },
      "false",
    ],
    [
      "include by a computed name",
      { main: '{{ include "pa" + "rt" }}', part: "p" },
      "p",
    ],
    [
      "includeIfExists",
      { main: '{{ if includeIfExists("part") }}!{{ end }}{{ includeIfExists("no") }}', part: "p" },
      "p!false",
    ],
    ["exec", { main: '{{ x := exec("part") }}{{ x }}', part: "text{{ return 1 + 2 }}" }, "3"],
    [
      "extends fills the yields",
      {
        main: '{{ extends "base" }}\n{{ block title() }}T{{ end }}gone{{ block body() }}B{{ end }}',
        base: "<{{ yield title() }}|{{ yield body() }}>",
      },
      "<T|B>",
    ],
    [
      "extends replaces the default of a block",
      {
        main: '{{ extends "base" }}{{ block title() }}mine{{ end }}',
        base: "{{ block title() }}default{{ end }}{{ block body() }}body{{ end }}",
      },
      "minebody",
    ],
    [
      "extends over two levels",
      {
        main: '{{ extends "middle" }}{{ block a() }}A{{ end }}',
        middle: '{{ extends "base" }}{{ block a() }}a{{ end }}{{ block b() }}b{{ end }}',
        base: "{{ yield a() }}{{ yield b() }}",
      },
      "Ab",
    ],
    [
      "import brings blocks and renders nothing",
      {
        main: '{{ import "lib" }}{{ yield hi(who="you") }}',
        lib: "x{{ block hi(who) }}Hi {{ who }}{{ end }}",
      },
      "Hi you",
    ],
    [
      "own blocks win over imported ones",
      { main: '{{ import "lib" }}{{ block a() }}own{{ end }}', lib: "{{ block a() }}lib{{ end }}" },
      "own",
    ],
  ])("%s", (_name, sources, wanted) => expect(rendered(sources, data)).toBe(wanted));
});

describe("blocks", () => {
  test.each<[string, string]>([
    ["{{ block b() }}x{{ end }}", "x"],
    ["{{ block b(a=1, c) }}{{ a }}{{ c }}{{ end }}", "1false"],
    ["{{ block b(a=1) }}{{ a }}{{ end }}{{ yield b(a=2) }}{{ yield b() }}", "121"],
    ['{{ block b() }}[{{ . }}]{{ end }}{{ yield b() "x" }}', "[map[a:1]][x]"],
    ["{{ block b() }}<{{ yield content }}>{{ end }}{{ yield b() content }}in{{ end }}", "<><in>"],
    ["{{ block b() }}<{{ yield content }}>{{ content }}own{{ end }}", "<own>"],
    ["{{ v := 1 }}{{ block b(v=2) }}{{ yield content }}{{ content }}{{ v }}{{ end }}", "1"],
    ["{{ block b() }}{{ yield content . }}{{ end }}{{ yield b() 5 content }}{{ . }}{{ end }}", "5"],
    [
      "{{ block menu() }}({{ range . }}{{ .t }}{{ if isset(.c) }}{{ yield menu() .c }}{{ end }}{{ end }}){{ end }}",
      "(1(2))",
    ],
  ])("%s", (source, wanted) => {
    if (!source.includes("menu")) expect(rendered(source, { a: 1 })).toBe(wanted);
    else {
      const list = [{ t: 1, c: [{ t: 2 }] }];
      // The definition renders the block with the context of the template: nothing to range over there.
      const call = source.replace("block menu()", "block menu() items");
      expect(rendered(call, { items: list })).toBe(wanted);
    }
  });
});

describe("failures", () => {
  test.each<[string | Record<string, string>, string]>([
    ["a\n{{ nothing }}", 'template main:2: identifier "nothing" is not available'],
    ["{{ .nothing }}", "there is no field or method 'nothing' in map (.nothing)"],
    ["{{ user.name.deep }}", "there is no field or method 'deep' in string"],
    ["{{ user.missing.deep }}", "there is no field or method 'missing' in map"],
    ["{{ list[9] }}", "index out of range: 9"],
    ["{{ 1 / 0 }}", "integer divide by zero"],
    ["{{ range n }}{{ end }}", "cannot range over a int"],
    ["{{ range nil }}{{ end }}", "cannot range over nil"],
    ["{{ name() }}", "a string cannot be called"],
    ["{{ len }}", "a function cannot be printed"],
    ["{{ x = 1 }}", 'identifier "x" is not available; declare it with :='],
    ["{{ yield nothing() }}", 'unresolved block "nothing"'],
    ['{{ include "nothing" }}', 'template "nothing" could not be found'],
    ['{{ extends "nothing" }}', 'template "nothing" could not be found'],
    [{ main: '{{ include "part" }}', part: "\n{{ nothing }}" }, "template part:2: identifier"],
    ["{{ if yes }}", "if is not closed with {{ end }}"],
    ["{{ range list }}", "range is not closed"],
    ["{{ end }}", "unexpected {{ end }}"],
    ["{{ name", "unclosed action"],
    ["{* name", "unclosed comment"],
    ['{{ "a }}', "unterminated string"],
    ["{{ a b }}", 'unexpected "b"'],
    ["{{ § }}", "unexpected character"],
    ['x{{ extends "base" }}', "extends must stand before everything else"],
    ["{{ raw(name) | upper }}", "upper expects a string"],
    ["{{ try }}{{ nothing }}{{ catch }}{{ nothing }}{{ end }}", "identifier"],
    ["{{ " + "(".repeat(200) + "1" + ")".repeat(200) + " }}", "nest deeper than 100 levels"],
    ["{{ if yes }}".repeat(200), "nest deeper than 100 levels"],
  ])("%j", (sources, message) => {
    const attempt = () => rendered(sources, data);
    expect(attempt).toThrow(TemplateError);
    expect(attempt).toThrow(message);
  });

  const again = '{{ include "main" }}';
  test.each<[string, string | Record<string, string>]>([
    ["a template that includes itself", again],
    ["templates that include each other", { main: '{{ include "b" }}', b: again }],
    ["an endless try", `{{ try }}${again}{{ catch }}${again}{{ end }}`],
    ["a block that yields itself", "{{ block b() }}{{ yield b() }}{{ end }}"],
    ["too many steps", "{{ range ints(0, 10000) }}{{ range ints(0, 10000) }}{{ end }}{{ end }}"],
    ["too much output", '{{ x := repeat("x", 1000000) }}{{ range ints(0, 100) }}{{ x }}{{ end }}'],
    ["too long a string", '{{ repeat("x", 100000000) }}'],
    ["a replacement that grows", '{{ x := repeat("x", 10000) }}{{ replace(x, "x", x, -1) }}'],
  ])("%s ends the rendering", (_name, sources) => {
    expect(() => rendered(sources, data)).toThrow(LimitError);
  });

  test.each([
    ["extends", '{{ extends "main" }}'],
    ["import", '{{ import "main" }}'],
  ])("a template cannot %s itself", (_name, source) => {
    const template = parseTemplate("main", source, { left: "{{", right: "}}" });
    const options = {
      find: () => template,
      data: Object.create(null),
      globals: Object.create(null),
    };
    expect(() => render(template, options)).toThrow("extends or imports itself");
  });

  test("what a string grows to is counted", () => {
    const source = `{{ x := "x" }}${"{{ x = x + x }}".repeat(40)}`;
    expect(() => rendered(source)).toThrow(LimitError);
  });
});
