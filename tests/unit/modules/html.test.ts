import { describe, expect, test } from "bun:test";
import { evaluate } from "./lua-unit.ts";

async function sanitize(policy: string, text: string) {
  const code = `local S = html.sanitize
    local policy = ${policy}
    return policy:sanitize((...))`;
  return await evaluate(code, { args: [text] });
}

const ugc = "assert(S.ugc_policy())";
const none = "assert(S.new_policy())";

describe("user content", () => {
  test.each<[string, string]>([
    ["Hello, <b>World</b>!", "Hello, <b>World</b>!"],
    ["<p>one<br>two<br/>three</p>", "<p>one<br>two<br/>three</p>"],
    ["<b>unclosed <i>tags", "<b>unclosed <i>tags"],
    ["<B>Upper</B>", "<b>Upper</b>"],
    [`5 > 3 & "it's" < 7`, "5 &gt; 3 &amp; &#34;it&#39;s&#34; &lt; 7"],
    ["&lt;b&gt; &amp; &copy; &#x41;", "&lt;b&gt; &amp; © A"],
    ["a<!-- comment -->b<!DOCTYPE html>c", "abc"],
    ["<unknown>text</unknown>", "text"],
    // Content that goes with its element.
    ["a<script>alert('x')</script>b", "ab"],
    ["a<SCRIPT SRC=http://x/y.js></SCRIPT>b", "ab"],
    ["a<style>b{}</style>c", "ac"],
    ["a<iframe src='x'>text</iframe>b", "ab"],
    ["a<object><p>text</p></object>b", "ab"],
    ["a<noscript><p>text</p></noscript>b", "ab"],
    ["a<noembed>x</noembed><noframes>y</noframes>b", "ab"],
    ["a<frameset><frame></frame></frameset>b", "ab"],
    ["<scr<script>ipt>alert(1)</script>", "ipt&gt;alert(1)"],
    ["<<script>script>x</script>", "&lt;"],
    // Attributes.
    ['<b onclick="x()">a</b>', "<b>a</b>"],
    ['<b style="color:red" class="x" id="y">a</b>', '<b id="y">a</b>'],
    ['<p dir="rtl" lang="en" title="A (b)">a</p>', '<p dir="rtl" lang="en" title="A (b)">a</p>'],
    ['<p dir="x" title="a<b">a</p>', "<p>a</p>"],
    // Links.
    [
      '<a href="http://x.org/a?b=1&amp;c=2">x</a>',
      '<a href="http://x.org/a?b=1&amp;c=2" rel="nofollow">x</a>',
    ],
    ['<a href="/a/b#c">x</a>', '<a href="/a/b#c" rel="nofollow">x</a>'],
    ['<a href="mailto:a@b.org">x</a>', '<a href="mailto:a@b.org" rel="nofollow">x</a>'],
    ['<a href=" HTTP://x.org ">x</a>', '<a href="http://x.org" rel="nofollow">x</a>'],
    ['<a href="http://x.org/é b">x</a>', "x"],
    ['<a href="http://x.org/é">x</a>', '<a href="http://x.org/%C3%A9" rel="nofollow">x</a>'],
    ['<a href="javascript:alert(1)">XSS</a>', "XSS"],
    ['<a href="JaVaScRiPt:alert(1)">XSS</a>', "XSS"],
    ['<a href="java\tscript:alert(1)">XSS</a>', "XSS"],
    ['<a href="&#106;avascript:alert(1)">XSS</a>', "XSS"],
    ['<a href="&#1;javascript:alert(1)">XSS</a>', "XSS"],
    ['<a href="data:text/html,x">XSS</a>', "XSS"],
    ['<a href="a:b/c">x</a>', "x"],
    ['<a href="%zz">x</a>', "x"],
    ["<a>x</a>", "x"],
    ["<a><b>x</b></a>", "<b>x</b>"],
    ['<a name="x">x</a><a href="/y">y</a>', 'x<a href="/y" rel="nofollow">y</a>'],
    // Images, lists, tables.
    ['<img src="/a.png" alt="A" onerror="x()">', '<img src="/a.png" alt="A">'],
    ['<img src="javascript:x">', ""],
    ['<img width="10%" height="x">', '<img width="10%">'],
    ['<ol type="a"><li value="3">x</li></ol>', '<ol type="a"><li value="3">x</li></ol>'],
    ["<dl><dt>a</dt><dd>b</dd></dl>", "<dl><dt>a</dt><dd>b</dd></dl>"],
    [
      '<table width="1"><tr><td colspan="2" nowrap>x</td></tr></table>',
      '<table width="1"><tr><td colspan="2" nowrap="">x</td></tr></table>',
    ],
    [
      '<blockquote cite="http://x.org">a</blockquote>',
      '<blockquote cite="http://x.org">a</blockquote>',
    ],
    ['<blockquote cite="javascript:x">a</blockquote>', "<blockquote>a</blockquote>"],
    [
      '<time datetime="2024-01-02">a</time><del datetime="x">b</del>',
      '<time datetime="2024-01-02">a</time><del>b</del>',
    ],
    [
      "<details open><summary>a</summary></details>",
      '<details open=""><summary>a</summary></details>',
    ],
    ['<form action="/x"><input name="y"><button>z</button></form>', "z"],
    ['<video src="/x"></video><svg><circle/></svg>', ""],
    ['<meter>x</meter><meter value="1">y</meter>', 'x<meter value="1">y</meter>'],
    ["<textarea><b>x</b></textarea>", "&lt;b&gt;x&lt;/b&gt;"],
  ])("%j", async (text, wanted) => expect(await sanitize(ugc, text)).toBe(wanted));
});

describe("policies", () => {
  test.each<[string, string, string]>([
    [none, "a <b>b</b> & c", "a b &amp; c"],
    ["assert(S.strict_policy())", "<p>a <b>b</b></p><script>x</script>", "a b"],
    [`${none}:allow_elements("b", "I")`, "<b>a</b><i>b</i><u>c</u>", "<b>a</b><i>b</i>c"],
    [`${none}:allow_elements("script", "style")`, "a<script>b</script><style>c</style>", "a"],
    [
      `${none}:allow_attrs("class"):on_elements("p")`,
      '<p class="x" id="y">a</p>',
      '<p class="x">a</p>',
    ],
    [`${none}:allow_attrs("class"):globally()`, '<p class="x">a</p>', "a"],
    [
      `${none}:allow_elements("p"):allow_attrs("CLASS", "id"):globally()`,
      '<p class="x" id="y">a</p>',
      '<p class="x" id="y">a</p>',
    ],
    [`${none}:allow_elements("p"):allow_attrs():globally()`, '<p class="x">a</p>', "<p>a</p>"],
    [
      `assert(${none}:allow_attrs("class"):matching("^[a-z]+$")):on_elements("p")`,
      '<p class="ab">a</p><p class="A1">b</p>',
      '<p class="ab">a</p><p>b</p>',
    ],
    [
      `${none}:allow_attrs("href"):on_elements("a")`,
      '<a href="javascript:x">a</a>',
      '<a href="javascript:x">a</a>',
    ],
    [
      `${none}:allow_attrs("href"):on_elements("a"):require_parseable_urls(true)`,
      '<a href="http://x">a</a>',
      "a",
    ],
    [
      `${none}:allow_attrs("href"):on_elements("a"):allow_url_schemes("ftp")`,
      '<a href="ftp://x/y">a</a><a href="http://x">b</a><a href="/z">c</a>',
      '<a href="ftp://x/y">a</a>bc',
    ],
    [
      `${none}:allow_attrs("href"):on_elements("a"):allow_relative_urls(true)`,
      '<a href="/x">a</a><a href="http://x">b</a>',
      '<a href="/x">a</a>b',
    ],
    [
      `${none}:allow_attrs("href"):on_elements("a"):allow_standard_urls():allow_relative_urls(false)`,
      '<a href="/x">a</a><a href="http://x">b</a>',
      'a<a href="http://x" rel="nofollow">b</a>',
    ],
    [
      `${ugc}:require_nofollow_on_links(false)`,
      '<a href="http://x">a</a>',
      '<a href="http://x">a</a>',
    ],
    [
      `${ugc}:require_noreferrer_on_links(true)`,
      '<a href="http://x">a</a>',
      '<a href="http://x" rel="nofollow noreferrer">a</a>',
    ],
    [
      `${ugc}:add_target_blank_to_fully_qualified_links(true)`,
      '<a href="http://x">a</a><a href="/y">b</a>',
      '<a href="http://x" rel="nofollow noopener" target="_blank">a</a><a href="/y" rel="nofollow">b</a>',
    ],
    [
      `${ugc}:require_nofollow_on_links(false):add_target_blank_to_fully_qualified_links(true)`,
      '<a href="http://x">a</a>',
      '<a href="http://x" target="_blank" rel="noopener">a</a>',
    ],
    [
      `${ugc}:allow_attrs("rel", "target"):on_elements("a"):add_target_blank_to_fully_qualified_links(true)`,
      '<a rel="me" target="_top" href="http://x">a</a>',
      '<a rel="me nofollow noopener" target="_blank" href="http://x">a</a>',
    ],
    [`${none}:allow_images()`, '<img src="http://x/y.png">', '<img src="http://x/y.png">'],
    [
      `${none}:allow_data_uri_images()`,
      '<img src="data:image/png;base64,iVBO Rw0K"><img src="data:text/html;base64,AAAA">',
      '<img src="data:image/png;base64,iVBORw0K">',
    ],
    [
      `${none}:allow_data_uri_images()`,
      '<img src="data:image/png;base64,abc"><img src="http://x">',
      "",
    ],
    [
      `${none}:allow_lists():allow_tables()`,
      "<ul><li>a</li></ul><table><caption>b</caption></table><p>c</p>",
      "<ul><li>a</li></ul><table><caption>b</caption></table>c",
    ],
    [
      `${none}:allow_elements("p"):allow_standard_attributes()`,
      '<p id="a" class="b">c</p>',
      '<p id="a">c</p>',
    ],
    [
      "(function() local p = assert(S.new_policy()) p:allow_elements('b') return p end)()",
      "<b>a</b>",
      "<b>a</b>",
    ],
  ])("%s on %j", async (policy, text, wanted) => expect(await sanitize(policy, text)).toBe(wanted));

  test("a bad regular expression is Invalid, bad arguments raise", async () => {
    const code = `local policy = html.sanitize.new_policy()
      local b, err = policy:allow_attrs("x"):matching("(")
      return { b == nil, err:kind(), pcall(policy.sanitize, policy, 5), pcall(policy.allow_elements, policy, {}),
        (pcall(policy.allow_relative_urls, policy, "yes")) }`;
    expect(await evaluate(code)).toEqual([true, "Invalid", false, false, false]);
  });
});

test("what invites quadratic time ends before the test times out", async () => {
  const texts = [
    "<".repeat(200_000),
    "<b ".repeat(100_000),
    "<a href=x>".repeat(50_000),
    "<b>".repeat(100_000) + "</b>".repeat(100_000),
    "<!--".repeat(100_000),
    `<p title="${"(".repeat(200_000)}">`,
    "&".repeat(200_000),
  ];
  const code = `local policy = html.sanitize.ugc_policy()
    local sizes = {}
    for i, text in ipairs(...) do sizes[i] = #policy:sanitize(text) end
    return #sizes`;
  expect(await evaluate(code, { args: [texts] })).toBe(texts.length);
});
