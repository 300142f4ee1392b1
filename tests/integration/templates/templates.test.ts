import { expect, test } from "bun:test";
import { startApplication } from "../application.ts";

const source = `
local templates = require("templates")
local function describe(value, err)
  if err then return err:kind() .. ": " .. err:message() end
  return value
end
return { main = function(what, id, name, data)
  local set, err = templates.get(id)
  if err then return describe(nil, err) end
  if what == "release" then
    assert(set:release())
    assert(set:release())
  end
  return describe(set:render(name, data))
end }`;

function application(entries: Record<string, Record<string, unknown>>) {
  return startApplication({ entries, functions: { render: { modules: ["templates"], source } } });
}

const pages = {
  pages: {
    kind: "template.set",
    engine: { globals: { site: "Wippy", list: [1, 2] } },
  },
  layout: {
    kind: "template.jet",
    set: "pages",
    source: "<title>{{ site }}: {{ yield title() }}</title>{{ yield body() }}",
  },
  home_page: {
    kind: "template.jet",
    set: "app:pages",
    meta: { name: "home" },
    source:
      '{{ extends "layout" }}{{ block title() }}{{ name }}{{ end }}{{ block body() }}{{ range items }}<li>{{ .name }}{{ end }}{{ end }}',
  },
  broken: { kind: "template.jet", set: "pages", source: "\n{{ nothing }}" },
  unfinished: { kind: "template.jet", set: "pages", source: "{{ if" },
  endless: { kind: "template.jet", set: "pages", source: '{{ include "endless" }}' },
};

test("templates are rendered with data, globals and one another", async () => {
  const running = await application(pages);
  const render = (name: string, data?: unknown, id = "app:pages", what = "render") =>
    running.call("render", what, id, name, data as never);
  const data = { name: "Tom & Ann", items: [{ name: "a" }, { name: "<b>" }] };
  expect(await render("home", data))
    .toBe("<title>Wippy: Tom &amp; Ann</title><li>a<li>&lt;b&gt;");
  expect(await render("home.jet", data)).toBe(await render("home", data));
  expect(await render("", data)).toBe("Invalid: empty template name");
  expect(await render("home_page", data)).toBe(
    "NotFound: template home_page not found in app:pages",
  );
  expect(await render("broken")).toContain("Internal: template broken:2: identifier");
  expect(await render("unfinished")).toContain("Internal: template unfinished:1: unclosed action");
  expect(await render("endless")).toContain(
    "Internal: template endless:1: includes and yields nest",
  );
  expect(await render("home", data, "")).toBe("Invalid: empty template set id");
  expect(await render("home", data, "app:nowhere"))
    .toBe("NotFound: template set not found: app:nowhere");
  expect(await render("home", data, "app:layout")).toContain("NotFound");
  expect(await render("home", data, "app:pages", "release"))
    .toBe("Internal: the template set is released");
});

test("a set has delimiters of its own, and parses each time in development mode", async () => {
  const running = await application({
    pages: {
      kind: "template.set",
      engine: { development_mode: true, delimiters: { left: "<%", right: "%>" } },
    },
    page: { kind: "template.jet", set: "pages", source: "<% name %>{{ name }}" },
  });
  for (const name of ["a", "b"]) {
    expect(await running.call("render", "render", "app:pages", "page", { name })).toBe(
      `${name}{{ name }}`,
    );
  }
});

test("access to a set needs template.get", async () => {
  const running = await startApplication({
    entries: {
      ...pages,
      other: { kind: "template.set" },
      rule: {
        kind: "security.policy",
        policy: {
          actions: ["template.get", "funcs.call"],
          resources: ["app:other", "app:get"],
          effect: "allow",
        },
      },
    },
    functions: {
      as: {
        modules: ["security", "funcs"],
        source: `
local security, funcs = require("security"), require("funcs")
return { main = function(id)
  local scope = security.new_scope({ assert(security.policy("app:rule")) })
  return assert(funcs.new():with_actor(security.new_actor("u")):with_scope(scope):call("app:get", id))
end }`,
      },
      get: {
        modules: ["templates"],
        source: `
return { main = function(id)
  local set, err = require("templates").get(id)
  return err and err:kind() or tostring(set)
end }`,
      },
    },
  });
  expect(await running.call("as", "app:pages")).toBe("PermissionDenied");
  expect(await running.call("as", "app:other")).toContain("templates.Set");
});

test.each<[Record<string, Record<string, unknown>>, string]>([
  [{ page: { kind: "template.jet", source: "x" } }, "set is required"],
  [{ page: { kind: "template.jet", set: "pages", source: "x" } }, "unknown entry: app:pages"],
  [
    { pages: { kind: "template.set" }, page: { kind: "template.jet", set: "pages" } },
    "source is required",
  ],
  [
    {
      pages: { kind: "template.set" },
      a: { kind: "template.jet", set: "pages", source: "x" },
      b: { kind: "template.jet", set: "pages", source: "x", meta: { name: "a" } },
    },
    "template a of the set app:pages already exists (app:a)",
  ],
  [{ pages: { kind: "template.set", engine: { delimiters: { left: "" } } } }, "must not be empty"],
  [{ pages: { kind: "template.set", engine: { delimiters: { left: "}}" } } } }, "must differ"],
  [{ pages: { kind: "template.set", engine: { extensions: ["jet"] } } }, "begins with a dot"],
])("%j is refused at load", async (entries, message) => {
  const error: Error = await application(entries).then(() => new Error("loaded"), (e) => e);
  expect(error.message).toContain(message);
});
