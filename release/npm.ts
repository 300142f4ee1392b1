/**
 * Packages for npm: one per target with its program, and `wippy`, which depends on all of them optionally, so that npm
 * installs the one that fits. No install script is needed.
 * @module
 */
import { type ArchiveFile, gzip, tar } from "./archive.ts";
import launcher from "./npm-launcher.cjs" with { type: "text" };
import { programOf, type Target, targets } from "./targets.ts";

/** What the packages of a version share. */
export interface PackageFacts {
  version: string;
  license: string;
  description: string;
  /** In seconds since 1970. */
  time: number;
}

/** A package as npm publishes it. */
export interface NpmPackage {
  /** Of the tarball. */
  file: string;
  data: Uint8Array;
}

const bytesOf = (text: string) => new TextEncoder().encode(text);

async function pack(
  facts: PackageFacts,
  manifest: Record<string, unknown> & { name: string },
  files: readonly ArchiveFile[],
): Promise<NpmPackage> {
  const { version, license, description } = facts;
  const whole = { ...manifest, version, description, license };
  const content = [
    { path: "package.json", data: bytesOf(`${JSON.stringify(whole, null, 2)}\n`) },
    ...files,
  ].map((file) => ({ ...file, path: `package/${file.path}` }));
  return {
    file: `npm-${manifest.name.replace("@", "").replace("/", "-")}-${version}.tgz`,
    data: gzip(await tar(content, facts.time)),
  };
}

const nameOf = (target: Target) => `@wippy/${target.name}`;

/** Makes the package of a target. @param texts license and notices */
export function platformPackage(
  facts: PackageFacts,
  target: Target,
  program: Uint8Array,
  texts: readonly ArchiveFile[],
): Promise<NpmPackage> {
  const { os, cpu, libc } = target;
  const fits = { os: [os], cpu: [cpu], ...(libc === undefined ? {} : { libc: [libc] }) };
  return pack(facts, { name: nameOf(target), ...fits, preferUnplugged: true }, [
    { path: `bin/${programOf(target)}`, data: program, executable: true },
    ...texts,
  ]);
}

/** Makes the package `wippy`. */
export function mainPackage(
  facts: PackageFacts,
  texts: readonly ArchiveFile[],
): Promise<NpmPackage> {
  const manifest = {
    name: "wippy",
    bin: { wippy: "bin/wippy.cjs" },
    engines: { node: ">=18" },
    optionalDependencies: Object.fromEntries(
      targets.map((target) => [nameOf(target), facts.version]),
    ),
  };
  const program = { path: "bin/wippy.cjs", data: bytesOf(launcher), executable: true };
  return pack(facts, manifest, [program, ...texts]);
}
