import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { setInEnvText } from "../../../src/app/env-file.ts";
import { Environment } from "../../../src/app/environment.ts";
import type { Entry } from "../../../src/registry/entry.ts";
import { loadFiles, printed, writeFiles } from "./temporary-application.ts";

function entry(id: string, kind: string, data: Record<string, unknown> = {}): Entry {
  return { id, kind, meta: {}, data };
}

function environment(entries: Entry[], directory = "/nowhere", system = {}): Environment {
  return new Environment(entries, { directory, system });
}

/** What a call throws, as `Kind: message`. */
function failure(call: () => unknown): string {
  try {
    call();
  } catch (error) {
    const { kind, message, retryable } = error as {
      kind: string;
      message: string;
      retryable: boolean;
    };
    expect(retryable).toBe(false);
    return `${kind}: ${message}`;
  }
  return "no failure";
}

const fixed = entry("app:fixed", "env.storage.static", { values: { PORT: "80", EMPTY: "" } });

function variable(name: string, data: Record<string, unknown>): Entry {
  return entry(`app:${name}`, "env.variable", { storage: "app:fixed", ...data });
}

describe("looking a variable up", () => {
  const env = environment([
    fixed,
    variable("port", { variable: "PORT" }),
    variable("empty", { variable: "EMPTY", default: "fallback" }),
    variable("none", { variable: "NONE", default: "" }),
  ]);

  test("by public name, identifier, and bare name of the caller's namespace", () => {
    expect(env.get("PORT", "other")).toBe("80");
    expect(env.get("app:port", "other")).toBe("80");
    expect(env.get("port", "app")).toBe("80");
    expect(failure(() => env.get("port", "other"))).toBe(
      "NotFound: get environment variable failed: environment variable not found",
    );
  });

  test("an empty value is unset, an empty default is none", () => {
    expect(env.get("EMPTY", "app")).toBe("fallback");
    expect(failure(() => env.get("NONE", "app"))).toContain("NotFound");
    expect(failure(() => env.get("", "app"))).toBe("Invalid: empty key");
  });

  test("the key without a public name is the identifier", () => {
    const memory = environment([
      entry("app:m", "env.storage.memory"),
      variable("secret", { storage: "app:m" }),
    ]);
    memory.set("secret", "x", "app");
    expect(memory.all()).toEqual({ "app:secret": "x" });
  });
});

describe("setting a variable", () => {
  test("what is read-only or unknown is refused", () => {
    const env = environment(
      [
        fixed,
        entry("app:os", "env.storage.os"),
        variable("port", { variable: "PORT" }),
        variable("home", { variable: "HOME", storage: "app:os" }),
        variable("frozen", { variable: "FROZEN", readonly: true }),
      ],
      "/nowhere",
      { HOME: "/root" },
    );
    const prefix = "set environment variable failed: ";
    const set = (key: string) => failure(() => env.set(key, "x", "app"));
    expect(set("PORT")).toBe(`PermissionDenied: ${prefix}storage is read-only`);
    expect(set("HOME")).toBe(`PermissionDenied: ${prefix}storage is read-only`);
    expect(set("FROZEN")).toBe(`PermissionDenied: ${prefix}environment variable is read-only`);
    expect(set("NEW")).toBe(`NotFound: ${prefix}environment variable not found`);
    expect(env.get("HOME", "app")).toBe("/root");
  });

  test("a router reads from the first that has it and writes to the first", () => {
    const env = environment([
      fixed,
      entry("app:m", "env.storage.memory"),
      entry("app:r", "env.storage.router", { storages: ["app:m", "app:fixed"] }),
      variable("port", { variable: "PORT", storage: "app:r" }),
    ]);
    expect(env.get("PORT", "app")).toBe("80");
    env.set("PORT", "81", "app");
    expect(env.get("PORT", "app")).toBe("81");
    expect(env.all()).toEqual({ PORT: "81", EMPTY: "" });
  });
});

describe("file storages", () => {
  const settings = (rest = {}) => [
    entry("app:file", "env.storage.file", { file_path: "conf/.env", ...rest }),
    variable("a", { variable: "A", storage: "app:file" }),
    variable("b", { variable: "B", storage: "app:file" }),
  ];

  test("the file is read again for every look-up", async () => {
    const directory = writeFiles({ "conf/.env": "# head\n A = one # note\nB=x=y\nnothing\n" });
    const env = environment(settings(), directory);
    expect([env.get("A", "app"), env.get("B", "app")]).toEqual(["one", "x=y"]);
    await Bun.write(join(directory, "conf/.env"), "A=two\n");
    expect(env.get("A", "app")).toBe("two");
  });

  test("a write keeps the other lines and the comment", () => {
    const directory = writeFiles({ "conf/.env": "# head\nA = one # note\nnothing\n" });
    const env = environment(settings(), directory);
    env.set("A", "two", "app");
    env.set("B", "new", "app");
    expect(readFileSync(join(directory, "conf/.env"), "utf8")).toBe(
      "# head\nA=two # note\nnothing\nB=new\n",
    );
    expect(failure(() => env.set("A", "x # y", "app"))).toStartWith("Invalid: ");
  });

  test("a missing file reads as empty and is made only on demand", () => {
    const directory = writeFiles({});
    const strict = environment(settings(), directory);
    expect(failure(() => strict.get("A", "app"))).toContain("environment variable not found");
    expect(failure(() => strict.set("A", "x", "app"))).toBe(
      "NotFound: set environment variable failed: environment file not found: conf/.env",
    );
    const willing = environment(settings({ auto_create: true, file_mode: 0o600 }), directory);
    expect(existsSync(join(directory, "conf"))).toBe(false);
    willing.set("A", "x", "app");
    expect(statSync(join(directory, "conf/.env")).mode & 0o777).toBe(0o600);
  });

  test("the last of several assignments is the one that is set", () => {
    expect(setInEnvText("A=1\nA=2", "A", "3")).toBe("A=1\nA=3\n");
  });
});

describe("placeholders", () => {
  const definitions = "namespace: app\nentries:\n" +
    "  - { name: os, kind: env.storage.os }\n" +
    "  - { name: workers, kind: env.variable, variable: WORKERS, storage: app:os }\n" +
    "  - { name: dir, kind: env.variable, variable: DIR, storage: app:os, default: /var }\n";

  test("are resolved for checking and stay in the entry", async () => {
    const host = "  - { name: h, kind: process.host, host: { workers: '${env:WORKERS|2}' } }\n";
    const application = await loadFiles({ "src/a.yaml": definitions + host }, {
      system: { WORKERS: "many" },
    });
    expect(printed(application)).toEqual([
      'src/a.yaml:6:44  app:h  host.workers must be a number, not the text "many"\n' +
      "    hint: write a number",
    ]);
    const { data } = application.entries.find(({ id }) => id === "app:h")!;
    expect(data).toEqual({ host: { workers: "${env:WORKERS|2}" } });
  });

  test("an unknown or unset variable without a default is a fault", async () => {
    const application = await loadFiles({
      "src/a.yaml": definitions +
        "  - { name: f, kind: fs.directory, directory: '${env:DIR}/${env:GONE}/${env:WORKERS}' }\n",
    });
    expect(printed(application)).toEqual([
      "src/a.yaml:6:36  app:f  environment variable WORKERS is not set and has no default\n" +
      "    hint: set it, or write a default: ${env:WORKERS|default}",
      "src/a.yaml:6:36  app:f  unknown environment variable GONE\n" +
      "    hint: add an env.variable entry for it, or write a default: ${env:GONE|default}",
    ]);
  });

  test("a variable whose default names itself is a fault, not an endless loop", async () => {
    const application = await loadFiles({
      "src/a.yaml": "namespace: app\nentries:\n  - { name: m, kind: env.storage.memory }\n" +
        "  - { name: v, kind: env.variable, variable: V, storage: app:m, default: '${env:V}' }\n",
    });
    expect(printed(application)[0]).toContain("app:v  ");
    expect(printed(application)[0]).toContain("refers to itself");
  });
});
