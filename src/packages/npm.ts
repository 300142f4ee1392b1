/**
 * Fetches packages from an npm registry. Scripts of packages are not run.
 * @module
 */
import { createHash } from "node:crypto";
import { z } from "zod";
import { download } from "./download.ts";
import { type FileTree, subtree, topFolders, treeLimits, unpack } from "./file-tree.ts";
import { PackageError } from "./package.ts";

const documentLimit = 32 * 2 ** 20;

const documentSchema = z.object({
  "dist-tags": z.record(z.string(), z.string()).default({}),
  versions: z.record(
    z.string(),
    z.object({
      dist: z.object({
        tarball: z.string(),
        integrity: z.string().optional(),
        shasum: z.string().optional(),
      }),
    }),
  ),
});

/** What npm calls a version of a package. */
type Distribution = z.infer<typeof documentSchema>["versions"][string]["dist"];

/**
 * Fetches a package and checks its hash.
 *
 * @param registry address of the registry
 * @param wanted a version, a tag or a range; absent: the tag `latest`
 * @throws PackageError
 */
export async function fetchFromNpm(
  registry: string,
  name: string,
  wanted = "latest",
): Promise<{ version: string; files: FileTree }> {
  const address = `${registry.replace(/\/+$/, "")}/${name.replace("/", "%2f")}`;
  const data = await download(address, documentLimit, {
    accept: "application/vnd.npm.install-v1+json, application/json;q=0.8",
  });
  if (data === undefined) {
    throw new PackageError(`the registry has no package ${name}`, "check the name");
  }
  const document = read(data, name);
  const { versions } = document;
  const version = document["dist-tags"][wanted] ??
    (Object.hasOwn(versions, wanted) ? wanted : newest(Object.keys(versions), wanted));
  const distribution = version === undefined ? undefined : versions[version]?.dist;
  if (version === undefined || distribution === undefined) {
    throw new PackageError(`${name} has no version ${wanted}`, "write one that the registry has");
  }
  const archive = await download(distribution.tarball, treeLimits.bytes);
  if (archive === undefined) {
    throw new PackageError(`the registry has no archive of ${name} ${version}`);
  }
  checkIntegrity(archive, distribution, `${name} ${version}`);
  const files = await unpack(archive, `${name}.tgz`);
  const [folder, ...more] = topFolders(files);
  return {
    version,
    files: more.length === 0 && folder !== undefined ? subtree(files, folder) : files,
  };
}

function read(data: Buffer, name: string): z.infer<typeof documentSchema> {
  try {
    return documentSchema.parse(JSON.parse(data.toString("utf8")));
  } catch {
    throw new PackageError(`what the registry says of ${name} is not what npm registries say`);
  }
}

function newest(versions: readonly string[], range: string): string | undefined {
  const fitting = versions.filter((version) => Bun.semver.satisfies(version, range));
  return fitting.sort(Bun.semver.order).pop();
}

/** @throws PackageError unless the strongest hash that is known fits */
function checkIntegrity(archive: Buffer, dist: Distribution, what: string): void {
  for (const algorithm of ["sha512", "sha384", "sha256"]) {
    const sums = (dist.integrity ?? "").split(/\s+/).flatMap((part) =>
      part.startsWith(`${algorithm}-`)
        ? [part.slice(algorithm.length + 1).replace(/\?.*$/, "")]
        : []
    );
    if (sums.length === 0) continue;
    if (sums.includes(createHash(algorithm).update(archive).digest("base64"))) return;
    throw new PackageError(`the archive of ${what} has another hash than the registry says`);
  }
  if (dist.shasum === createHash("sha1").update(archive).digest("hex")) return;
  throw new PackageError(
    dist.shasum === undefined
      ? `the registry gives no hash of ${what}`
      : `the archive of ${what} has another hash than the registry says`,
  );
}
