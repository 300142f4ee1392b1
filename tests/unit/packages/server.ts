import { createHash } from "node:crypto";
import { buffer } from "node:stream/consumers";
import { gzipSync } from "node:zlib";
import { pack } from "tar-stream";
import { ZipFile } from "yazl";

/** A zip archive, such as a rock. */
export async function zip(files: Record<string, string | Buffer>): Promise<Buffer> {
  const archive = new ZipFile();
  for (const [path, content] of Object.entries(files)) {
    archive.addBuffer(Buffer.from(content), path);
  }
  archive.end();
  return await buffer(archive.outputStream);
}

/** A compressed tar archive; a text that begins with "->" makes a symbolic link. */
export async function tarball(files: Record<string, string>): Promise<Buffer> {
  const archive = pack();
  for (const [name, content] of Object.entries(files)) {
    if (content.startsWith("->")) {
      archive.entry({ name, type: "symlink", linkname: content.slice(2) });
    } else archive.entry({ name }, content);
  }
  archive.finalize();
  return gzipSync(await buffer(archive));
}

/** A rock of sources: an archive with a folder of its own, as LuaRocks makes them. */
export async function rock(
  name: string,
  version: string,
  build: string,
  files: Record<string, string>,
  more = "",
): Promise<Record<string, Buffer>> {
  const folder = `${name}-${version.replace(/-\d+$/, "")}`;
  const inner = Object.fromEntries(
    Object.entries(files).map(([path, content]) => [`${folder}/${path}`, content]),
  );
  const rockspec = `local release = "${version}"\npackage = "${name}"\nversion = release\n` +
    `source = { url = "http://127.0.0.1/" .. "${folder}" .. ".tar.gz" }\n${more}\nbuild = ${build}\n`;
  const content = await zip({
    [`${name}-${version}.rockspec`]: rockspec,
    [`${folder}.tar.gz`]: await tarball(inner),
  });
  return { [`/${name}-${version}.src.rock`]: content };
}

/** A manifest that lists rocks of sources. */
export function manifest(
  rocks: readonly (readonly [name: string, ...versions: string[]])[],
): string {
  const lines = rocks.map(([name, ...versions]) =>
    `["${name}"] = { ${
      versions.map((version) => `["${version}"] = { { arch = "src" } }`).join(", ")
    } }`
  );
  return `commands = {}\nmodules = {}\nrepository = {\n${lines.join(",\n")}\n}\n`;
}

/** What an npm registry says of a package with one version; `%ADDRESS%` becomes that of the server. */
export function npmDocument(
  name: string,
  version: string,
  archive: Buffer,
  hash = archive,
): string {
  const integrity = `sha512-${createHash("sha512").update(hash).digest("base64")}`;
  const dist = { tarball: `%ADDRESS%/${name}.tgz`, integrity };
  return JSON.stringify({
    name,
    "dist-tags": { latest: version },
    versions: { [version]: { dist } },
  });
}

/** A server of files by path. Its content may be changed while it runs. */
export function serveFiles(files: Record<string, Buffer | string>) {
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch(request, server) {
      const content = files[new URL(request.url).pathname];
      if (content === undefined) return new Response("none", { status: 404 });
      if (typeof content !== "string") return new Response(new Uint8Array(content));
      return new Response(content.replaceAll("%ADDRESS%", `http://127.0.0.1:${server.port}`));
    },
  });
  return { address: `http://127.0.0.1:${server.port}`, stop: () => server.stop(true) };
}
