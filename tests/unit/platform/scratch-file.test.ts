import { expect, test } from "bun:test";
import { open } from "node:fs/promises";
import { orClose } from "../../../src/platform/file-handle.ts";
import { ScratchFile } from "../../../src/platform/scratch-file.ts";
import { openFiles } from "../../open-files.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const mine = () => openFiles("wippy-scratch-test-");

test("what was appended is read again, and the file is gone when it is closed", async () => {
  const file = new ScratchFile("scratch-test");
  expect(mine()).toBe(0);
  expect(await file.append(bytes("first "))).toBe(0);
  expect(await file.append(bytes("second"))).toBe(6);
  expect(file.size).toBe(12);
  expect(mine()).toBe(1);
  expect(new TextDecoder().decode(await file.read(2, 7))).toBe("rst sec");
  expect(new TextDecoder().decode(await file.read(10, 100))).toBe("nd");
  expect(await file.read(12, 1)).toEqual(new Uint8Array());
  await file.close();
  await file.close();
  expect(mine()).toBe(0);
  expect(file.append(bytes("x"))).rejects.toThrow("closed");
});

test("what is appended at once is all there", async () => {
  const file = new ScratchFile("scratch-test");
  const positions = await Promise.all(["ab", "cde", "f"].map((text) => file.append(bytes(text))));
  expect(positions).toEqual([0, 2, 5]);
  expect(new TextDecoder().decode(await file.read(0, 6))).toBe("abcdef");
  expect(mine()).toBe(1);
  await file.close();
});

test("a file that is closed while it is being made does not stay open", async () => {
  const file = new ScratchFile("scratch-test");
  const appended = file.append(bytes("late")).then(
    () => "appended",
    (error: Error) => error.message,
  );
  await file.close();
  expect(await appended).toBe("the temporary file is closed");
  expect(mine()).toBe(0);
});

test("a file is closed when its first use fails, and only then", async () => {
  const path = import.meta.path;
  const failed = orClose(await open(path), () => Promise.reject(new Error("no")));
  await expect(failed).rejects.toThrow("no");
  expect(openFiles(path)).toBe(0);
  const handle = await orClose(await open(path), (handle) => handle);
  expect(openFiles(path)).toBe(1);
  await handle.close();
});
