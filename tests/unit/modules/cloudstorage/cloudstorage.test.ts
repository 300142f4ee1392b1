import { describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cleanAfterTest } from "../../../cleanup.ts";
import { until } from "../../../until.ts";
import { entryOf, testServices } from "../../operations/services.ts";
import { evaluate, runUnit } from "../lua-unit.ts";
import { type S3Server, serveS3 } from "./s3-server.ts";

/** Runs code with `bucket`, the storage of a server. */
function use(server: S3Server, code: string, args: string[] = []) {
  const begun = `local bucket = assert(cloudstorage.get("app:bucket")) ${code}`;
  return evaluate(begun, { args, services: testServices(server.entries()) });
}

/** What an error says. */
const verdict = `
  local function verdict(value, err)
    if value then return "no error" end
    return { err:kind(), err:retryable(), (err:details() or {}).code or "" }
  end `;

test("an object is made, found, read in parts, and deleted", async () => {
  const server = serveS3();
  const code = `
    local made = assert(bucket:upload_object("a/b c+d%é!'()*.txt", "\\0\\255 bytes", {
      content_type = "text/plain", metadata = { Author = "ada" }, cache_control = "no-store" }))
    local head = assert(bucket:head_object("a/b c+d%é!'()*.txt"))
    local whole, _, info = bucket:download_object("a/b c+d%é!'()*.txt")
    local part, _, of = bucket:download_object("a/b c+d%é!'()*.txt", nil, { range = "bytes=2-4" })
    local page = assert(bucket:list_objects())
    local gone = bucket:delete_objects("a/b c+d%é!'()*.txt")
    local _, err = bucket:head_object("a/b c+d%é!'()*.txt")
    return {
      made.etag == head.etag, head.size, head.content_type, head.metadata.author, head.last_modified,
      whole == "\\0\\255 bytes", info.size, part, of.size, page.objects[1].key, page.objects[1].size,
      page.objects[1].etag == head.etag, page.is_truncated, gone, err:kind() }`;
  expect(await use(server, code)).toEqual([
    true,
    8,
    "text/plain",
    "ada",
    "Fri, 02 Jan 2026 03:04:05 GMT",
    true,
    8,
    " by",
    8,
    "a/b c+d%é!'()*.txt",
    8,
    true,
    false,
    true,
    "NotFound",
  ]);
});

test("an object that is too large to be read as a string can be looked at", async () => {
  const server = serveS3();
  server.instead = () =>
    new Response(null, { headers: { "Content-Length": "500000000", ETag: '"x"' } });
  expect(await use(server, `return assert(bucket:head_object("big")).size`)).toBe(500_000_000);
});

test("an empty object is an empty string", async () => {
  const code = `
    assert(bucket:upload_object("empty", ""))
    return { bucket:download_object("empty"), bucket:head_object("empty").size }`;
  expect(await use(serveS3(), code)).toEqual(["", 0]);
});

test("lists come in pages, by prefix and by delimiter", async () => {
  const server = serveS3();
  for (const key of ["a/1", "a/2", "a/b/3", "b&<x>\u0001", "c d"]) {
    server.objects.set(key, { bytes: Buffer.from(key), headers: {} });
  }
  const code = `
    local function names(page)
      local result = {}
      for i, found in ipairs(page.objects) do result[i] = found.key end
      return result
    end
    local all, token = {}, nil
    repeat
      local page = assert(bucket:list_objects({ max_keys = 2, continuation_token = token }))
      all[#all + 1] = names(page)
      token = page.next_continuation_token
    until not page.is_truncated
    local folder = assert(bucket:list_objects({ prefix = "a/", delimiter = "/" }))
    return { all, names(folder), folder.prefixes, names(assert(bucket:list_objects({ start_after = "a/b/3" }))),
      #bucket:list_objects({ prefix = "zzz" }).objects }`;
  expect(await use(server, code)).toEqual([
    [["a/1", "a/2"], ["a/b/3", "b&<x>\u0001"], ["c d"]],
    ["a/1", "a/2"],
    ["a/b/"],
    ["b&<x>\u0001", "c d"],
    0,
  ]);
});

test("only_if_absent makes an object once", async () => {
  const code = `${verdict}
    local options = { only_if_absent = true }
    return { verdict(bucket:upload_object("once", "1", options)), verdict(bucket:upload_object("once", "2", options)),
      (bucket:download_object("once")) }`;
  expect(await use(serveS3(), code))
    .toEqual(["no error", ["AlreadyExists", false, "PreconditionFailed"], "1"]);
});

test("many objects are deleted at once; one that is not there counts as deleted", async () => {
  const server = serveS3();
  const code = `
    local keys = {}
    for i = 1, 1500 do keys[i] = "k & " .. i end
    assert(bucket:upload_object("k & 7", "x"))
    local deleted = bucket:delete_objects(keys)
    assert(bucket:upload_object("locked", "x"))
    local _, err = bucket:delete_objects({ "locked", "other" })
    return { deleted, bucket:delete_objects({}), err:kind(), err:details().code, err:details().keys }`;
  expect(await use(server, code)).toEqual([true, true, "Internal", "AccessDenied", ["locked"]]);
  expect(server.requests.filter((text) => text.startsWith("POST"))).toHaveLength(3);
  expect([...server.objects.keys()]).toEqual(["locked"]);
});

describe("presigned URLs", () => {
  test("read and write for whoever has them", async () => {
    const server = serveS3();
    server.objects.set("a b", { bytes: Buffer.from("content"), headers: {} });
    const code = `
      return { bucket:presigned_get_url("a b", { expiration = "10m" }),
        bucket:presigned_put_url("new", { content_type = "text/plain", content_length = 3, expiration = 60 }) }`;
    const [get, put] = await use(server, code) as [string, string];
    expect(new URL(get).searchParams.get("X-Amz-Expires")).toBe("600");
    expect(await (await fetch(get)).text()).toBe("content");
    expect((await fetch(get.replace("a%20b", "other"))).status).toBe(403);
    expect(
      (await fetch(put, { method: "PUT", body: "abcd", headers: { "content-type": "text/plain" } }))
        .status,
    )
      .toBe(403);
    const sent = await fetch(put, {
      method: "PUT",
      body: "abc",
      headers: { "content-type": "text/plain" },
    });
    expect(sent.status).toBe(200);
    expect(server.objects.get("new")!.bytes.toString()).toBe("abc");
    expect(get + put).not.toContain("s3cret");
  });

  test.each([
    [`presigned_get_url("a", { expiration = "8d" })`, "bad duration"],
    [`presigned_get_url("a", { expiration = 604801 })`, "7 days at most"],
    [`presigned_put_url("a", { content_length = -1 })`, "content_length"],
    [`presigned_put_url("a", { content_type = "a\\nb" })`, "printable"],
  ])("%s is Invalid", async (call, message) => {
    const code = `local _, err = bucket:${call} return { err:kind(), err:message() }`;
    expect(await use(serveS3(), code)).toEqual(["Invalid", expect.stringContaining(message)]);
  });
});

describe("streams", () => {
  /** A volume `app:files` in a folder. */
  function folder() {
    const path = mkdtempSync(join(tmpdir(), "wippy-objects-"));
    cleanAfterTest(() => rmSync(path, { recursive: true, force: true }));
    return { path, entry: entryOf("app:files", "fs.directory", { directory: path }) };
  }

  test("a large file goes up in parts, and comes down into a file", async () => {
    const server = serveS3();
    const { path, entry } = folder();
    const content = Buffer.alloc(20 << 20, "0123456789");
    writeFileSync(join(path, "big"), content);
    const code = `
      local bucket, volume = assert(cloudstorage.get("app:bucket")), assert(fs.get("app:files"))
      local made = assert(bucket:upload_object("big", assert(volume:open("big")), { content_type = "x/y" }))
      local small = assert(bucket:upload_object("small", assert(volume:open("small"))))
      local target = assert(volume:open("copy", "w"))
      local info = assert(bucket:download_object("big", target))
      target:close()
      return { made.etag, info.size, info.content_type, small.etag }`;
    writeFileSync(join(path, "small"), "tiny");
    const services = testServices([...server.entries(), entry], path);
    expect(await evaluate(code, { services }))
      .toEqual(["whole-3", content.length, "x/y", expect.any(String)]);
    expect(server.objects.get("big")!.bytes.equals(content)).toBe(true);
    expect(readFileSync(join(path, "copy")).equals(content)).toBe(true);
    expect(server.objects.get("small")!.bytes.toString()).toBe("tiny");
    expect(server.uploads.size).toBe(0);
    expect(server.requests.filter((text) => text.includes("partNumber"))).toHaveLength(3);
  });

  test("a stream that is read in part is closed by its program, or with its unit", async () => {
    const server = serveS3();
    server.objects.set("big", { bytes: Buffer.alloc(5 << 20, 97), headers: {} });
    const code = `return { main = function()
      local bucket = cloudstorage.get("app:bucket")
      local first, _, info = bucket:open_object("big")
      local data = first:read(10)
      first:close()
      bucket:open_object("big"):read(10)
      return { data, info.size }
    end }`;
    const services = testServices(server.entries());
    const { value, open } = await runUnit(code, { services });
    expect([value, open]).toEqual([["aaaaaaaaaa", 5 << 20], 1]);
  });

  test("what is not finished leaves nothing: a source that fails, a unit that ends", async () => {
    const server = serveS3();
    const { path, entry } = folder();
    writeFileSync(join(path, "big"), Buffer.alloc(20 << 20));
    const services = testServices([...server.entries(), entry], path);
    let parts = 0;
    server.instead = (request) => {
      if (!request.url.includes("partNumber")) return undefined;
      parts += 1;
      return parts % 2 === 0 ? new Response("", { status: 503 }) : undefined;
    };
    const failing = `
      local bucket, volume = cloudstorage.get("app:bucket"), fs.get("app:files")
      return select(2, bucket:upload_object("big", volume:open("big"))):kind()`;
    expect(await evaluate(failing, { services })).toBe("Unavailable");
    expect([server.uploads.size, server.objects.size]).toEqual([0, 0]);
    server.instead = undefined;
    const ending = `return { main = function()
      coroutine.spawn(function()
        local bucket, volume = cloudstorage.get("app:bucket"), fs.get("app:files")
        bucket:upload_object("big", volume:open("big"))
      end)
      local bucket = cloudstorage.get("app:bucket")
      while #bucket:list_objects().objects == 0 do end
    end }`;
    await runUnit(ending, { services });
    await until(() => server.uploads.size === 0);
    expect(server.objects.size).toBe(0);
  });

  test("a bad source or target is Invalid, and nothing is sent", async () => {
    const server = serveS3();
    const code = `${verdict}
      return { verdict(bucket:upload_object("a", 5)), verdict(bucket:download_object("a", 5)) }`;
    expect(await use(server, code)).toEqual([["Invalid", false, ""], ["Invalid", false, ""]]);
    expect(server.requests).toEqual([]);
  });
});

describe("failures", () => {
  test.each<[number, string, string, boolean]>([
    [400, "InvalidRequest", "Invalid", false],
    [403, "AccessDenied", "PermissionDenied", false],
    [404, "NoSuchKey", "NotFound", false],
    [409, "OperationAborted", "Conflict", true],
    [429, "TooManyRequests", "RateLimited", true],
    [500, "InternalError", "Unavailable", true],
    [503, "SlowDown", "RateLimited", true],
    [503, "ServiceUnavailable", "Unavailable", true],
  ])("status %d %s is %s", async (status, code, kind, retryable) => {
    const server = serveS3();
    server.instead = () =>
      new Response(`<Error><Code>${code}</Code><Message>a &amp; b</Message></Error>`, { status });
    const run = `${verdict}
      local _, err = bucket:download_object("k")
      return { verdict(nil, err), err:details().status, err:message():match("a & b") ~= nil,
        verdict(bucket:open_object("k")), verdict(bucket:head_object("k"))[1] }`;
    const expected = [kind, retryable, code];
    const head = status === 503 ? "Unavailable" : kind;
    expect(await use(server, run)).toEqual([expected, status, true, expected, head]);
  });

  test("wrong credentials, a bucket that is not there, no server, and no secret in any message", async () => {
    const server = serveS3();
    const run = async (entries: ReturnType<S3Server["entries"]>) =>
      await evaluate(
        `local _, err = cloudstorage.get("app:bucket"):head_object("k")
         local _, other = cloudstorage.get("app:bucket"):list_objects()
         return { err:kind(), err:retryable(), err:message() .. other:message() }`,
        { services: testServices(entries) },
      ) as [string, boolean, string];
    const results = [
      await run(server.entries({}, { secret_access_key: "wr0ng" })),
      await run(server.entries({ bucket: "other" })),
      await run(server.entries({ endpoint: "http://127.0.0.1:1" })),
    ];
    expect(results.map(([kind, retryable]) => [kind, retryable])).toEqual([
      ["PermissionDenied", false],
      ["NotFound", false],
      ["Internal", true],
    ]);
    expect(JSON.stringify(results)).not.toMatch(/s3cret|wr0ng|Signature=|Credential=/);
  });

  test("an object above max_size, a range outside of it, and a server that never answers", async () => {
    const server = serveS3();
    server.objects.set("big", { bytes: Buffer.alloc(1000), headers: {} });
    const code = `${verdict}
      return { verdict(bucket:download_object("big", nil, { max_size = 999 })),
        verdict(bucket:download_object("big", nil, { range = "bytes=1000-" })) }`;
    expect(await use(server, code))
      .toEqual([["Internal", true, "BODY_TOO_LARGE"], ["Invalid", false, "InvalidRange"]]);
    server.instead = () => new Promise<Response>(() => {});
    const late = `${verdict} return verdict(bucket:head_object("big", { timeout = "50ms" }))`;
    expect(await use(server, late)).toEqual(["Internal", true, "TIMEOUT"]);
  });

  test.each([
    [`head_object("")`, "1 to 1024 bytes"],
    [`head_object(("k"):rep(1025))`, "1 to 1024 bytes"],
    [`upload_object("a/../b", "x")`, 'a segment is "." or ".."'],
    [`delete_objects({ "a", "." })`, 'a segment is "." or ".."'],
    [`head_object("\\255")`, "a key is UTF-8 text"],
    [`download_object("a", nil, { range = "0-9" })`, "bytes=0-99"],
    [`download_object("a", nil, { max_size = -1 })`, "max_size"],
    [`list_objects({ max_keys = 1001 })`, "from 1 to 1000"],
    [`list_objects({ max_keys = 0 })`, "from 1 to 1000"],
    [`list_objects({ prefx = "a" })`, "unknown option prefx"],
    [`upload_object("a", "x", { metadata = { ["a b"] = "c" } })`, "letters, digits and hyphens"],
    [`upload_object("a", "x", { metadata = { a = "é" } })`, "printable ASCII"],
    [`upload_object("a", "x", { content_type = "a\\r\\nb" })`, "printable ASCII"],
    [`upload_object("a", "x", { timeout = -1 })`, "timeout: bad duration"],
    [`upload_object("a", "x", { timeout = "7d" })`, "timeout: bad duration"],
  ])("%s is Invalid, and nothing is sent", async (call, message) => {
    const server = serveS3();
    const code =
      `local value, err = bucket:${call} return { value == nil, err:kind(), err:message() }`;
    expect(await use(server, code)).toEqual([true, "Invalid", expect.stringContaining(message)]);
    expect(server.requests).toEqual([]);
  });

  test("of get: an empty id, no entry, another kind; after release; wrong types raise", async () => {
    const code = `
      local function kind(id) return select(2, cloudstorage.get(id)):kind() end
      local released = bucket:release()
      return { kind(""), kind("app:nothing"), kind("app:aws"), released, select(2, bucket:list_objects()):kind(),
        (pcall(cloudstorage.get)), (pcall(bucket.head_object, bucket)), (pcall(bucket.delete_objects, bucket)),
        (pcall(bucket.list_objects, bucket, "x")) }`;
    expect(await use(serveS3(), code))
      .toEqual(["Invalid", "NotFound", "Invalid", true, "Invalid", false, false, false, false]);
  });
});
