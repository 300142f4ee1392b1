import { describe, expect, test } from "bun:test";
import {
  boundaryOf,
  MultipartParser,
  type PartHead,
} from "../../../../src/services/http/multipart.ts";

/** What a parser makes of a body that arrives in pieces of so many bytes. */
async function parse(body: string, size = body.length, boundary = "B") {
  const parts: { head: PartHead; content: string; ended: boolean }[] = [];
  const parser = new MultipartParser(boundary, {
    begin(head) {
      const part = { head, content: "", ended: false };
      parts.push(part);
      return {
        write: (data) => {
          part.content += Buffer.from(data).toString("latin1");
        },
        end: () => {
          part.ended = true;
        },
      };
    },
  });
  const bytes = Buffer.from(body, "latin1");
  for (let at = 0; at < bytes.length; at += size) await parser.write(bytes.subarray(at, at + size));
  parser.end();
  expect(parts.every(({ ended }) => ended)).toBe(true);
  return parts.map(({ head: { name, filename }, content }) => [name, filename, content]);
}

const part = (disposition: string, content: string) =>
  `--B\r\nContent-Disposition: form-data; ${disposition}\r\n\r\n${content}\r\n`;

const body = "preamble\r\n" + part('name="a"', "one") + part('name="a"', "") +
  part('name="f"; filename="x.bin"', "\r\n--\r\n--A\r\n-\r\n--\0\xff\r") +
  part('name="g"; filename=""', "\r\n") + "--B--\r\nepilogue --B";

const parsed = [
  ["a", undefined, "one"],
  ["a", undefined, ""],
  ["f", "x.bin", "\r\n--\r\n--A\r\n-\r\n--\0\xff\r"],
  ["g", "", "\r\n"],
];

describe("a body is the same in pieces of any size", () => {
  test.each([1, 2, 3, 4, 5, 6, 7, 11, 64, 1000])("%d", async (size) => {
    expect(await parse(body, size)).toEqual(parsed as never);
  });
});

test("names and file names", async () => {
  const names = async (disposition: string) =>
    (await parse(`${part(disposition, "")}--B--`))[0]!.slice(0, 2);
  expect(await names("name=a; filename=b.txt")).toEqual(["a", "b.txt"]);
  expect(await names('name="a%22b"; filename="..\\\\c/d%0D.txt"')).toEqual(['a"b', "d\r.txt"]);
  expect(await names('filename="name=x"; name="y"')).toEqual(["y", "name=x"]);
});

const malformed: [body: string, message: string][] = [
  ["", "no boundary"],
  ["nothing", "no boundary"],
  ["--B", "it has no end"],
  ["--B\r\nContent-Dispo", "it has no end"],
  [part('name="a"', "x"), "it has no end"],
  ["--Bx\r\n\r\n--B--", "followed by something else"],
  ["--B\r\n\r\n--B--", "a part has no name"],
  ["--B\r\nContent-Disposition: form-data\r\n\r\n\r\n--B--", "a part has no name"],
  ['--B\r\nContent-Disposition: attachment; name="a"\r\n\r\n\r\n--B--', "a part has no name"],
  ['--B\r\nContent Disposition: form-data; name="a"\r\n\r\n\r\n--B--', "the headers of a part"],
  [`--B\r\nX: ${"x".repeat(20_000)}`, "longer than 16384 bytes"],
  [`${part('name="a"', "").repeat(1_001)}--B--`, "more than 1000 parts"],
];

test.each(malformed.map(([text, message]) => [text.slice(0, 60), message, text]))(
  "%j is malformed: %s",
  async (_, message, text) => {
    for (const size of [1, 1_000_000]) {
      const failure = await parse(text, size).then(() => undefined, (error) => error);
      expect(failure).toMatchObject({ kind: "Internal" });
      expect(failure.message).toContain(message);
    }
  },
);

test("boundaries of content types", () => {
  expect(boundaryOf("multipart/form-data; boundary=x")).toBe("x");
  expect(boundaryOf('Multipart/Form-Data; charset=utf-8; Boundary="a b"')).toBe("a b");
  expect(boundaryOf("multipart/form-data")).toBeUndefined();
  expect(boundaryOf("multipart/form-data; boundary=")).toBeUndefined();
  expect(boundaryOf(`multipart/form-data; boundary=${"x".repeat(71)}`)).toBeUndefined();
  expect(boundaryOf("text/plain; boundary=x")).toBeUndefined();
});
