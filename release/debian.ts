/**
 * Debian packages.
 * @module
 */
import { type ArchiveFile, gzip, tar } from "./archive.ts";
import type { Target } from "./targets.ts";

/** Metadata of a package. */
export interface DebianFacts {
  version: string;
  description: string;
  /** In seconds since 1970. */
  time: number;
}

const bytesOf = (text: string) => new TextEncoder().encode(text);

/** Debian's paths by those of an archive; files that are not listed go to the documentation. */
const places: Readonly<Record<string, string>> = {
  "wippy": "usr/bin/wippy",
  "man/wippy.1": "usr/share/man/man1/wippy.1.gz",
  "completions/wippy.bash": "usr/share/bash-completion/completions/wippy",
  "completions/_wippy": "usr/share/zsh/vendor-completions/_wippy",
  "completions/wippy.fish": "usr/share/fish/vendor_completions.d/wippy.fish",
  "NOTICES.txt": "usr/share/doc/wippy/copyright",
  "CHANGES.md": "usr/share/doc/wippy/changelog.gz",
};

/** An ar archive, which is what a .deb is. */
function ar(members: readonly [name: string, data: Uint8Array][], time: number): Uint8Array {
  const parts: Uint8Array[] = [bytesOf("!<arch>\n")];
  for (const [name, data] of members) {
    const fields = [
      name.padEnd(16),
      String(time).padEnd(12),
      "0".padEnd(6),
      "0".padEnd(6),
      "100644".padEnd(8),
      String(data.length).padEnd(10),
    ];
    parts.push(bytesOf(`${fields.join("")}\`\n`), data);
    if (data.length % 2 === 1) parts.push(bytesOf("\n"));
  }
  return Buffer.concat(parts);
}

/**
 * Makes the Debian package of a target.
 *
 * @param files those of the target's archive, with their paths there
 * @returns the name of the file, and its bytes
 * @throws when Debian has no such architecture
 */
export async function debianPackage(
  facts: DebianFacts,
  target: Target,
  files: readonly ArchiveFile[],
): Promise<{ file: string; data: Uint8Array }> {
  if (target.debian === undefined) throw new Error(`there is no Debian package for ${target.name}`);
  const placed = files.map((file) => {
    const path = places[file.path] ?? `usr/share/doc/wippy/${file.path}`;
    return { ...file, path, data: path.endsWith(".gz") ? gzip(file.data) : file.data };
  });
  // Debian sorts 1.0.0~rc.1 before 1.0.0, as Semantic Versioning sorts 1.0.0-rc.1.
  const version = facts.version.replace("-", "~");
  const kibibytes = Math.ceil(placed.reduce((sum, { data }) => sum + data.length, 0) / 1024);
  const control = [
    "Package: wippy",
    `Version: ${version}`,
    `Architecture: ${target.debian}`,
    "Maintainer: The Wippy authors <wippy@localhost>",
    `Installed-Size: ${kibibytes}`,
    "Depends: libc6 (>= 2.17)",
    "Section: interpreters",
    "Priority: optional",
    `Description: ${facts.description}`,
    " wippy runs applications written in Lua: functions, processes that receive",
    " messages, and workflows that continue after a crash where they were.",
  ];
  const sums = placed.map(({ path, data }) =>
    `${new Bun.CryptoHasher("md5").update(data).digest("hex")}  ${path}\n`
  ).sort();
  const about = [
    { path: "control", data: bytesOf(`${control.join("\n")}\n`) },
    { path: "md5sums", data: bytesOf(sums.join("")) },
  ];
  const data = ar([
    ["debian-binary", bytesOf("2.0\n")],
    ["control.tar.gz", gzip(await tar(about, facts.time))],
    ["data.tar.gz", gzip(await tar(placed, facts.time))],
  ], facts.time);
  return { file: `wippy_${version}_${target.debian}.deb`, data };
}
