import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { type ConfigOptions, loadConfig, settingValue } from "../../../src/app/config-file.ts";
import { formatProblem } from "../../../src/app/problem.ts";
import { writeFiles } from "./temporary-application.ts";

function load(files: Record<string, string>, options: Partial<ConfigOptions> = {}) {
  const directory = writeFiles(files);
  const { config, problems } = loadConfig({ directory, ...options });
  return { config, problems: problems.map(formatProblem), directory };
}

describe("the configuration", () => {
  test("is read by dotted names, a value of another type counts as absent", () => {
    const { config, problems } = load({
      ".wippy.yaml": 'version: "1.0"\nlogger: { encoding: json }\n' +
        "shutdown: { timeout: 1m30s, grace: 5, soon: later }\nlua: { cache: { enabled: true } }\n",
    });
    expect(problems).toEqual([]);
    expect(config.string("logger.encoding")).toBe("json");
    expect(config.integer("logger.encoding")).toBeUndefined();
    expect(config.duration("shutdown.timeout")).toBe(90_000);
    expect(config.duration("shutdown.grace")).toBeUndefined();
    expect(config.duration("shutdown.soon")).toBeUndefined();
    expect(config.boolean("lua.cache.enabled")).toBe(true);
    expect(config.string("constructor.name")).toBeUndefined();
    expect(config.map("lua")).toEqual({ cache: { enabled: true } });
  });

  test("several files are merged, --set comes last, the first anchors relative paths", () => {
    const { config, problems, directory } = load({
      "conf/a.yaml": "a: { x: 1, y: 1, list: [1] }\n",
      "b.yaml": "a: { y: 2, list: [2, 3] }\n",
    }, { files: ["conf/a.yaml", "b.yaml"], settings: ["a.z.deep=true", "a.x=5"] });
    expect(problems).toEqual([]);
    expect(config.map("a")).toEqual({ x: 5, y: 2, list: [2, 3], z: { deep: true } });
    expect(config.directory).toBe(join(directory, "conf"));
  });

  test("${env:NAME} is the operating system's, ${name} is of vars", () => {
    const { config, problems } = load({
      ".wippy.yaml": "vars: { port: 80, host: h }\n" +
        "a: { url: '${host}:${port}', n: '${port}', home: '${env:HOME}' }\n" +
        "override: { 'app:x:y': '${env:KEPT}', 'app:x:z': '${host}${env:HOME}', 'app:x:v': '${env:HOME}' }\n",
    }, { system: { HOME: "/root" } });
    expect(problems).toEqual([]);
    expect(config.map("a")).toEqual({ url: "h:80", n: 80, home: "/root" });
    expect(config.map("override")).toEqual({
      "app:x:y": "${env:KEPT}",
      "app:x:z": "h${env:HOME}",
      "app:x:v": "${env:HOME}",
    });
  });

  test("a variable may name one of the operating system, and holds for all files", () => {
    const { config, problems } = load({
      "a.yaml": "vars: { home: '${env:HOME}', port: 1 }\na: { port: '${port}' }\n",
      "b.yaml": "vars: { port: 2 }\nb: { home: '${home}' }\n",
    }, { files: ["a.yaml", "b.yaml"], system: { HOME: "/root" } });
    expect(problems).toEqual([]);
    expect([config.integer("a.port"), config.string("b.home")]).toEqual([2, "/root"]);
  });

  describe("profiles", () => {
    const files = {
      "a.yaml": "vars: { host: h }\nx: { one: 1, two: 2, at: '${host}' }\n" +
        "disable: { namespaces: [app.a, app.b], entries: ['app:x'], meta: { tier: test } }\n" +
        "workspace: { replacements: { a/b: ./b } }\nprofiles:\n" +
        "  dev: { vars: { host: local }, x: { two: 3 }, workspace: { replacements: { a/b: null } } }\n" +
        "  edit: { disable: { namespaces: { add: [app.c], remove: [app.a] }, entries.add: ['app:y'] } }\n" +
        "  whole: { disable: { namespaces: [only], entries: [] } }\n" +
        "  secret: { x: { key: '${env:GONE}' } }\n",
      "b.yaml": "profiles: { dev: { x: { two: 4 } }, more: }\n",
    };
    const loaded = (...profiles: string[]) =>
      load(files, { files: ["a.yaml", "b.yaml"], profiles, settings: ["x.one=5"] });

    test("are laid over all files, in their order, below --set", () => {
      const { config, problems } = loaded("dev");
      expect(problems).toEqual([]);
      expect(config.map("x")).toEqual({ one: 5, two: 4, at: "local" });
      expect(config.map("workspace.replacements")).toEqual({ "a/b": null });
      expect(loaded().config.map("x")).toEqual({ one: 5, two: 2, at: "h" });
      expect(loaded("more").problems).toEqual([]);
    });

    test("edit the lists of disable, or replace them", () => {
      const meta = { tier: "test" };
      expect(loaded("edit").config.map("disable"))
        .toEqual({ namespaces: ["app.b", "app.c"], entries: ["app:x", "app:y"], meta });
      expect(loaded("whole").config.map("disable"))
        .toEqual({ namespaces: ["only"], entries: [], meta });
      expect(loaded("whole", "edit").config.map("disable"))
        .toEqual({ namespaces: ["only", "app.c"], entries: ["app:y"], meta });
    });

    test("the version is 1.0, with quotes or without", () => {
      for (const version of ['"1.0"', "1.0"]) {
        expect(load({ ".wippy.yaml": `version: ${version}\nx: { a: 1 }\n` }).problems).toEqual([]);
      }
    });

    test("faults", () => {
      const { problems } = loaded("nope", "secret");
      expect(problems).toEqual([
        "unknown profile: nope\n    hint: the configuration has: dev, edit, whole, secret, more",
        "a.yaml:9:18  environment variable GONE is not set\n    hint: set it before the start",
      ]);
      const wrong = load({
        ".wippy.yaml":
          "profiles: { a: { vars: { x: '${env:HOME}' } }, b: 5, c: { logger: json } }\n",
      }, { profiles: ["a"], system: { HOME: "/root" } });
      expect(wrong.problems.map((problem) => problem.split("\n")[0])).toEqual([
        ".wippy.yaml:1:48  profile b must be a map",
        ".wippy.yaml:1:59  section logger must be a map",
        ".wippy.yaml:1:26  variable x of a profile cannot name an environment variable",
      ]);
      expect(load({ ".wippy.yaml": "profiles: 5\n" }).problems).toHaveLength(1);
      expect(load({}, { profiles: ["a"] }).problems)
        .toEqual([
          'unknown profile: a\n    hint: define it below "profiles:" in the configuration',
        ]);
    });
  });

  test.each([["'2'", '"2"'], ["[1, 0]", "[1,0]"], ["{ a: 1 }", '{"a":1}'], ["null", "null"]])(
    "version %s is not supported",
    (version, shown) => {
      const { problems } = load({ ".wippy.yaml": `version: ${version}\n` });
      expect(problems.map((problem) => problem.split("\n")[0])).toEqual([
        `.wippy.yaml:1:1  unsupported version: ${shown}`,
      ]);
    },
  );

  test("faults", () => {
    const { problems } = load({
      "a.yaml": "version: 2\nlogger: json\nx: { a: '${env:GONE}', b: '${gone}' }\n",
      "b.yaml": "[\n",
    }, { files: ["a.yaml", "b.yaml", "c.yaml"] });
    expect(problems.map((problem) => problem.split("\n")[0])).toEqual([
      "a.yaml:1:1  unsupported version: 2",
      "a.yaml:2:1  section logger must be a map",
      expect.stringContaining("b.yaml:2:1  not valid YAML"),
      "configuration file not found: c.yaml",
      "a.yaml:3:6  environment variable GONE is not set",
      "a.yaml:3:24  unknown variable gone",
    ]);
  });

  test("keys that are probably misspelled are told of, others may be of other programs", () => {
    const { problems } = load({
      ".wippy.yaml": `vars: { lua: x }
lua:
  type_sytem: { enabled: true }
  type_system: { enabled: true, strikt: true, unlike_all: 1 }
shutdwn: { timeout: 3s }
cluster: { enabled: true }
disable: { entires: [] }
profiles: { dev: { vars: { lua: y }, lua: { eval: { cachesize: 3 } } } }
`,
    });
    expect(problems).toEqual([
      '.wippy.yaml:3:3  warning: unknown key lua.type_sytem is ignored\n    hint: did you mean "type_system"?',
      '.wippy.yaml:4:33  warning: unknown key lua.type_system.strikt is ignored\n    hint: did you mean "strict"?',
      '.wippy.yaml:5:1  warning: unknown key shutdwn is ignored\n    hint: did you mean "shutdown"?',
      '.wippy.yaml:8:53  warning: unknown key lua.eval.cachesize is ignored\n    hint: did you mean "cache_size"?',
    ]);
  });

  test("values of --set", () => {
    const values = ["true", "True", "007", "+5", "1e3", ".5", "inf", "-inf", "1.", "x", ""];
    expect(values.map(settingValue)).toEqual([
      true,
      "True",
      7,
      5,
      1000,
      0.5,
      Infinity,
      -Infinity,
      1,
      "x",
      "",
    ]);
  });
});
