import { expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cleanAfterTest } from "../../cleanup.ts";
import { until } from "../../until.ts";
import { evaluate } from "../../unit/modules/lua-unit.ts";
import { entryOf, testServices } from "../../unit/operations/services.ts";

// Somebody else's idea of S3, of the Python package `moto[server]`; it takes every signature.
const found = Bun.which("moto_server");
// A manager of Python versions leaves a command of the name, also where the chosen version has no such package.
const program = found !== null && Bun.spawnSync([found, "--help"]).success ? found : null;

/** Starts the server with the bucket `books`; it ends after the test. Returns its address. */
async function startMoto(command: string): Promise<string> {
  const probe = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => probe.once("listening", resolve));
  const { port } = probe.address() as { port: number };
  await new Promise((resolve) => probe.close(resolve));
  const server = Bun.spawn([command, "-H", "127.0.0.1", "-p", String(port)], {
    stdout: "ignore",
    stderr: "ignore",
  });
  cleanAfterTest(async () => {
    server.kill();
    await server.exited;
  });
  const url = `http://127.0.0.1:${port}`;
  await until(() => fetch(`${url}/books`, { method: "PUT" }).then(({ ok }) => ok, () => false));
  return url;
}

async function useMoto(command: string): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "wippy-moto-"));
  cleanAfterTest(() => rmSync(folder, { recursive: true, force: true }));
  const content = Buffer.alloc(20 << 20, "0123456789");
  writeFileSync(join(folder, "big"), content);
  const endpoint = await startMoto(command);
  const services = testServices([
    entryOf("app:aws", "config.aws", {
      region: "us-east-1",
      access_key_id: "a",
      secret_access_key: "b",
    }),
    entryOf("app:bucket", "cloudstorage.s3", { config: "app:aws", bucket: "books", endpoint }),
    entryOf("app:files", "fs.directory", { directory: folder }),
  ], folder);
  const code = `
    local bucket, volume = assert(cloudstorage.get("app:bucket")), assert(fs.get("app:files"))
    local key = "a/b c+d%é!'()*&.txt"
    local made = assert(bucket:upload_object(key, "\\0\\255 bytes", {
      content_type = "text/plain", metadata = { author = "ada" } }))
    local head = assert(bucket:head_object(key))
    local whole = assert(bucket:download_object(key))
    local part = assert(bucket:download_object(key, nil, { range = "bytes=2-4" }))
    assert(bucket:upload_object("big", assert(volume:open("big"))))
    local target = assert(volume:open("copy", "w"))
    local info = assert(bucket:download_object("big", target))
    target:close()
    local first = assert(bucket:list_objects({ max_keys = 1 }))
    local second = assert(bucket:list_objects({ max_keys = 1, continuation_token = first.next_continuation_token }))
    local folders = assert(bucket:list_objects({ delimiter = "/" }))
    local url = bucket:presigned_get_url(key)
    local shared = http_client.get(url).body == whole
    local _, missing = bucket:head_object("missing")
    assert(bucket:delete_objects({ key, "big", "never there" }))
    return {
      made.etag == head.etag, head.size, head.content_type, head.metadata.author, whole == "\\0\\255 bytes", part,
      info.size, first.objects[1].key, first.is_truncated, second.objects[1].key, second.is_truncated,
      folders.prefixes[1], shared, missing:kind(), #bucket:list_objects().objects }`;
  expect(await evaluate(code, { services })).toEqual([
    true,
    8,
    "text/plain",
    "ada",
    true,
    " by",
    content.length,
    "a/b c+d%é!'()*&.txt",
    true,
    "big",
    false,
    "a/",
    true,
    "NotFound",
    0,
  ]);
  expect(readFileSync(join(folder, "copy")).equals(content)).toBe(true);
}

if (program === null) {
  test.skip("objects in a server of moto (skipped: moto_server is not on PATH; pip install 'moto[server]')", () => {});
} else {
  test("objects in a server of moto", () => useMoto(program), 60_000);
}
