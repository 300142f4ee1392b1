import { describe, expect, test } from "bun:test";
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Tokens } from "../../../src/admin/tokens.ts";
import {
  readSecretFile,
  secretFolder,
  writeSecretFile,
} from "../../../src/platform/secret-file.ts";
import { cleanAfterTest } from "../../cleanup.ts";

/** Nobody, on Linux. */
const stranger = 65534;
const isRoot = process.getuid?.() === 0;
/** 32 characters, as the owner's token has. */
const planted = "attackerknows-attackerknows-1234";

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), "wippy-secret-"));
  cleanAfterTest(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** What a token file can be that somebody else has put there. */
const wrong: [what: string, make: (path: string) => void, said: string][] = [
  ["a link to a file", (path) => {
    writeFileSync(`${path}.other`, `${planted}\n`, { mode: 0o600 });
    symlinkSync(`${path}.other`, path);
  }, "is a link; remove it"],
  ["a link to nothing", (path) => symlinkSync(`${path}.other`, path), "is a link; remove it"],
  ["a folder", (path) => mkdirSync(path), "is not a file; remove it"],
  ["a file that others can read", (path) => {
    writeFileSync(path, `${planted}\n`);
    chmodSync(path, 0o640);
  }, "can be read by others"],
];

const ofStrangers: typeof wrong = [["a file of another user", (path) => {
  writeFileSync(path, `${planted}\n`, { mode: 0o600 });
  chownSync(path, stranger, stranger);
}, "belongs to another user; remove it"]];

describe("a secret file is not read when it is", () => {
  test.each(wrong)("%s", (_what, make, said) => {
    for (const name of ["admin-token", "tokens.json"]) {
      const path = join(folder(), name);
      make(path);
      expect(() => readSecretFile(path)).toThrow(said);
      const tokens = new Tokens(join(path, ".."));
      expect(() => name === "admin-token" ? tokens.owner() : tokens.list()).toThrow(said);
      expect(() => tokens.roleOf(planted)).toThrow(said);
    }
  });

  test.if(isRoot).each(ofStrangers)("%s", (_what, make, said) => {
    for (const name of ["admin-token", "tokens.json"]) {
      const path = join(folder(), name);
      make(path);
      expect(() => readSecretFile(path)).toThrow(said);
      expect(() => new Tokens(join(path, "..")).roleOf(planted)).toThrow(said);
    }
  });
});

describe("the state folder is refused when it", () => {
  test("can be written by others", () => {
    const path = folder();
    chmodSync(path, 0o777);
    expect(() => secretFolder(path)).toThrow("other users can write to");
    expect(() => new Tokens(path)).toThrow("other users can write to");
  });

  test.if(isRoot)("is another user's", () => {
    const path = folder();
    chownSync(path, stranger, stranger);
    expect(() => new Tokens(path)).toThrow("belongs to another user");
  });
});

describe("a token", () => {
  test.each([
    ["empty", ""],
    ["a blank line", "\n"],
    ["short", "secret\n"],
    ["two lines", `${planted}\n${planted}\n`],
    ["a byte order mark", `\ufeff${planted.slice(1)}é\n`],
  ])("file that is %s lets nobody in", (_what, text) => {
    const path = folder();
    writeFileSync(join(path, "admin-token"), text, { mode: 0o600 });
    const tokens = new Tokens(path);
    expect(() => tokens.owner()).toThrow("is damaged; remove it, and a new token is made");
    expect(tokens.roleOf("")).toBeUndefined();
    for (const given of [text.trim(), planted]) {
      if (given !== "") expect(() => tokens.roleOf(given)).toThrow("is damaged");
    }
  });

  test.each([
    ["a short hash", `{"tokens":[{"name":"a","role":"admin","hash":"ab","created":1}]}`],
    [
      "an unknown role",
      `{"tokens":[{"name":"a","role":"king","hash":"${"0".repeat(64)}","created":1}]}`,
    ],
    ["no list", `{}`],
    ["nothing", ``],
    ["half a text", `{"tokens":[`],
  ])("list with %s lets nobody in", (_what, text) => {
    const path = folder();
    writeFileSync(join(path, "tokens.json"), text, { mode: 0o600 });
    const tokens = new Tokens(path);
    expect(() => tokens.roleOf(planted)).toThrow("is damaged; remove it and make new tokens");
    expect(tokens.roleOf("")).toBeUndefined();
  });

  test("of the owner ends with its file, in a running program", () => {
    const path = folder();
    const tokens = new Tokens(path);
    const first = tokens.owner();
    expect(tokens.roleOf(first)).toBe("admin");
    rmSync(join(path, "admin-token"));
    expect(tokens.roleOf(first)).toBeUndefined();
    expect(tokens.owner()).not.toBe(first);
  });

  test("that was made ends with the list, in a running program", () => {
    const path = folder();
    const tokens = new Tokens(path);
    const made = tokens.create("ci", "operator");
    expect(tokens.roleOf(made)).toBe("operator");
    rmSync(join(path, "tokens.json"));
    expect(tokens.roleOf(made)).toBeUndefined();
  });
});

describe("a secret file is written", () => {
  test("with mode 600, whole, and without what was left of an earlier try", () => {
    const path = join(folder(), "x");
    writeFileSync(`${path}.${process.pid}.new`, "half");
    writeSecretFile(path, "text\n");
    expect(readSecretFile(path)?.text).toBe("text\n");
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readdirSync(join(path, ".."))).toEqual(["x"]);
  });

  test("in place of a link and never through one", () => {
    const path = join(folder(), "x");
    writeFileSync(`${path}.victim`, "theirs");
    symlinkSync(`${path}.victim`, path);
    writeSecretFile(path, "text\n");
    expect(readSecretFile(path)?.text).toBe("text\n");
    expect(readSecretFile(`${path}.missing`)).toBeUndefined();
    rmSync(path);
    // A draft that somebody has prepared is replaced too.
    symlinkSync(`${path}.elsewhere`, `${path}.${process.pid}.new`);
    writeSecretFile(path, "text\n");
    expect(existsSync(`${path}.elsewhere`)).toBe(false);
  });
});
