import { expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse } from "yaml";
import { cleanAfterTest } from "../../cleanup.ts";
import { credentials, serveS3 } from "../../unit/modules/cloudstorage/s3-server.ts";
import { type Code, startApplication } from "../application.ts";

const page = readFileSync(join(import.meta.dir, "../../../docs/guide/object-storage.md"), "utf8");

function blocks(language: string): string[] {
  return [...page.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, "gms"))]
    .map((match) => match[1]!);
}

test("the functions of the guide on object storage work", async () => {
  const server = serveS3();
  const folder = mkdtempSync(join(tmpdir(), "wippy-guide-"));
  cleanAfterTest(() => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(join(folder, "big"), Buffer.alloc(9 << 20, 97));
  // In place of the system's environment, which belongs to all tests of this process.
  const values = {
    STORAGE_ENDPOINT: server.url,
    STORAGE_SECRET: credentials.secret_access_key,
  };
  const list = parse(blocks("yaml")[0]!.replace("eu-central-1", credentials.region)) as Record<
    string,
    unknown
  >[];
  const entries = Object.fromEntries(
    list.map(({ name, ...fields }) => [
      String(name),
      name === "environment" ? { kind: "env.storage.static", values } : fields,
    ]),
  ) as Record<string, Record<string, unknown>>;
  const code = (name: string): Code => ({
    modules: ["cloudstorage", "fs"],
    source: blocks("lua").find((block) => block.startsWith(`-- ${name}.lua\n`))!,
  });
  const application = await startApplication({
    entries: { ...entries, files: { kind: "fs.directory", directory: folder } },
    functions: { publish: code("publish"), archive: code("archive"), list: code("list") },
  });
  const url = await application.call("publish", "2026-03", "a,b\n");
  expect(await (await fetch(String(url))).text()).toBe("a,b\n");
  await application.call("publish", "2026-03", "again");
  expect(server.objects.get("reports/2026-03.csv")!.bytes.toString()).toBe("a,b\n");
  expect(await application.call("archive", "big")).toBe(9 << 20);
  expect(readFileSync(join(folder, "copy of big")).length).toBe(9 << 20);
  for (let i = 0; i < 250; i++) {
    server.objects.set(`reports/${i}`, { bytes: Buffer.alloc(1), headers: {} });
  }
  expect(await application.call("list")).toHaveLength(251);
});
