import { describe, expect, test } from "bun:test";
import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type PublicKey,
  readPublicKey,
  readSecretKey,
  type SecretKey,
  signFile,
  verifyFile,
} from "../../../../src/cli/upgrade/minisign.ts";
import { cleanAfterTest } from "../../../cleanup.ts";

const data = new TextEncoder().encode("what is signed\n");

function keys(): { secret: SecretKey; open: PublicKey } {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  const number = Buffer.from("12345678");
  return { secret: { number, key: privateKey }, open: { number, key: publicKey } };
}

describe("a signature", () => {
  test("is verified, and says its comment", () => {
    const { secret, open } = keys();
    expect(verifyFile(data, signFile(data, secret, "wippy 1.2.3"), open)).toBe("wippy 1.2.3");
  });

  test("is refused where anything differs", () => {
    const { secret, open } = keys();
    const signature = signFile(data, secret, "wippy 1.2.3");
    const differs = "the signature does not match the file";
    expect(() => verifyFile(data.slice(1), signature, open)).toThrow(differs);
    expect(() => verifyFile(data, signature.replace("1.2.3", "1.2.4"), open)).toThrow(differs);
    expect(() => verifyFile(data, signature, keys().open)).toThrow(differs);
    expect(() => verifyFile(data, signature, { ...open, number: Buffer.from("87654321") }))
      .toThrow("the signature is by another key");
    for (const text of ["", "a\nb\nc\nd\n", signature.replace("trusted comment: wippy", "wippy")]) {
      expect(() => verifyFile(data, text, open)).toThrow("this is not a minisign signature");
    }
  });

  test("a key that is none is refused", () => {
    expect(() => readPublicKey("RWQ")).toThrow("this is not a minisign public key");
    expect(() => readSecretKey("untrusted comment: x\nRWQ\n"))
      .toThrow("this is not a minisign secret key");
  });
});

describe.skipIf(Bun.which("minisign") === null)("minisign (skipped without it)", () => {
  function minisign(folder: string, ...args: string[]) {
    return Bun.spawnSync(["minisign", ...args], {
      cwd: folder,
      stdin: Buffer.from("pass\npass\n"),
    });
  }

  function folderWithKeys(...flags: string[]): string {
    const folder = mkdtempSync(join(tmpdir(), "wippy-minisign-"));
    cleanAfterTest(() => rmSync(folder, { recursive: true, force: true }));
    expect(minisign(folder, "-G", ...flags, "-p", "key.pub", "-s", "key.sec").exitCode).toBe(0);
    writeFileSync(join(folder, "file"), data);
    return folder;
  }

  const keysIn = (folder: string, password?: string) => ({
    secret: readSecretKey(readFileSync(join(folder, "key.sec"), "utf8"), password),
    open: readPublicKey(readFileSync(join(folder, "key.pub"), "utf8")),
  });

  test("verifies what is signed here", () => {
    const folder = folderWithKeys("-W");
    writeFileSync(join(folder, "file.minisig"), signFile(data, keysIn(folder).secret, "hello"));
    const run = minisign(folder, "-V", "-p", "key.pub", "-m", "file");
    expect(run.stdout.toString()).toContain("Trusted comment: hello");
    expect(run.exitCode).toBe(0);
    writeFileSync(join(folder, "file"), "something else");
    expect(minisign(folder, "-V", "-p", "key.pub", "-m", "file").exitCode).toBe(1);
  });

  test("signs what is verified here", () => {
    const folder = folderWithKeys("-W");
    expect(minisign(folder, "-S", "-s", "key.sec", "-m", "file", "-t", "words").exitCode).toBe(0);
    const signature = readFileSync(join(folder, "file.minisig"), "utf8");
    expect(verifyFile(data, signature, keysIn(folder).open)).toBe("words");
  });

  test.skipIf(process.env["WIPPY_LONG_RELEASE"] === undefined)(
    "encrypts keys that are read here (seconds and a gigabyte; only with WIPPY_LONG_RELEASE)",
    () => {
      const folder = folderWithKeys();
      const { secret, open } = keysIn(folder, "pass");
      expect(verifyFile(data, signFile(data, secret, "x"), open)).toBe("x");
      expect(() => keysIn(folder, "wrong")).toThrow("the password of the secret key is wrong");
      expect(() => keysIn(folder)).toThrow("has a password, which was not given");
    },
    120_000,
  );
});
