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
        "override: { 'app:x:y': '${env:KEPT}' }\n",
    }, { system: { HOME: "/root" } });
    expect(problems).toEqual([]);
    expect(config.map("a")).toEqual({ url: "h:80", n: 80, home: "/root" });
    expect(config.map("override")).toEqual({ "app:x:y": "${env:KEPT}" });
  });

  test("faults", () => {
    const { problems } = load({
      "a.yaml": "version: 2\nlogger: json\nx: { a: '${env:GONE}', b: '${gone}' }\nprofiles: {}\n",
      "b.yaml": "[\n",
    }, { files: ["a.yaml", "b.yaml", "c.yaml"] });
    expect(problems.map((problem) => problem.split("\n")[0])).toEqual([
      "a.yaml:1:1  unsupported version: 2",
      "a.yaml:4:1  profiles are not supported",
      "a.yaml:2:1  section logger must be a map",
      "a.yaml:3:6  environment variable GONE is not set",
      "a.yaml:3:24  unknown variable gone",
      expect.stringContaining("b.yaml:2:1  not valid YAML"),
      "configuration file not found: c.yaml",
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
