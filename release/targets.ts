/**
 * The platforms with releases.
 * @module
 */

/** A platform with an executable. */
export interface Target {
  /** As archives and `wippy version --json` name it. */
  readonly name: string;
  /** npm's package of Bun's program for it. */
  readonly runtime: string;
  /** As npm names its parts. */
  readonly os: "linux" | "darwin" | "win32";
  readonly cpu: "x64" | "arm64";
  readonly libc?: "glibc" | "musl";
  /** Debian's name of the architecture, if there is a Debian package. */
  readonly debian?: "amd64" | "arm64";
}

export const targets: readonly Target[] = [
  {
    name: "linux-x64",
    runtime: "@oven/bun-linux-x64",
    os: "linux",
    cpu: "x64",
    libc: "glibc",
    debian: "amd64",
  },
  {
    name: "linux-arm64",
    runtime: "@oven/bun-linux-aarch64",
    os: "linux",
    cpu: "arm64",
    libc: "glibc",
    debian: "arm64",
  },
  {
    name: "linux-x64-musl",
    runtime: "@oven/bun-linux-x64-musl",
    os: "linux",
    cpu: "x64",
    libc: "musl",
  },
  {
    name: "linux-arm64-musl",
    runtime: "@oven/bun-linux-aarch64-musl",
    os: "linux",
    cpu: "arm64",
    libc: "musl",
  },
  { name: "darwin-x64", runtime: "@oven/bun-darwin-x64", os: "darwin", cpu: "x64" },
  { name: "darwin-arm64", runtime: "@oven/bun-darwin-aarch64", os: "darwin", cpu: "arm64" },
  { name: "windows-x64", runtime: "@oven/bun-windows-x64", os: "win32", cpu: "x64" },
];

/** Returns the target with a name. @throws with the known names */
export function targetOf(name: string): Target {
  const found = targets.find((target) => target.name === name);
  if (found !== undefined) return found;
  throw new Error(
    `there is no target ${name}; the targets are ${targets.map(({ name }) => name).join(", ")}`,
  );
}

/** The name of the program on a target. */
export function programOf(target: Target): string {
  return target.os === "win32" ? "wippy.exe" : "wippy";
}
