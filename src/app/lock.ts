import { existsSync, readFileSync } from "node:fs";
import { isAbsolute, resolve } from "node:path";
import { z } from "zod";
import { faultOf } from "../registry/fault.ts";
import type { JsonSchema } from "../registry/json-schema.ts";
import { lockFileName } from "./lock-name.ts";
import type { Problem } from "./problem.ts";
import { YamlFile } from "./yaml-file.ts";

/** An installed module, as the lock file names it. */
export interface LockedModule {
  /** `org/module` */
  name: string;
  version: string;
  /** `sha256:…` of its files or its pack; of other forms, nothing is made. */
  hash?: string;
  /** Where `wippy add` got it from. */
  source?: string;
  /** Names of the modules that it needs. */
  requires: string[];
}

/** `wippy.lock` with absolute paths. */
export interface Lock {
  /** Name of the file. */
  file: string;
  source: string;
  /** Holds the installed modules. */
  vendor: string;
  modules: LockedModule[];
  /** Directories used in place of installed modules, by module name. */
  replacements: Map<string, string>;
}

function rule<Schema extends z.ZodType<string>>(
  schema: Schema,
  holds: (text: string) => boolean,
  message: string,
  fix: string,
) {
  return schema.refine(holds, { error: message, params: { fix } });
}

const moduleName = rule(
  z.string(),
  (name) => /^(?!\.{1,2}\/)[^/\s]+\/(?!\.{1,2}$)[^/\s]+$/.test(name),
  'a module name must be "org/module"',
  'write it like "acme/http"',
);

function filled(what: string) {
  return rule(z.string(), (text) => text !== "", `${what} is empty`, "write a value, or remove it");
}

const lockSchema = z.object({
  directories: z.object({
    src: filled("directories.src").default("."),
    modules: filled("directories.modules").default(".wippy"),
  }).prefault({}),
  modules: z.array(z.object({
    name: moduleName,
    version: filled("the module's version"),
    hash: z.string().optional(),
    source: z.string().optional(),
    requires: z.array(z.string()).default([]),
  })).nullish().transform((list) => list ?? []),
  replacements: z.array(z.object({ from: moduleName, to: filled("replacement.to") }))
    .nullish().transform((list) => list ?? []),
});

/** The JSON Schema of `wippy.lock`, for editors. */
export function lockFileSchema(): JsonSchema {
  const made = z.toJSONSchema(lockSchema, { target: "draft-7", io: "input" });
  return { ...made, title: "Lock file of Wippy" };
}

/** Where modules live under the directory named by `directories.modules`. */
function vendorDirectory(modules: string): string {
  return /(?:^|[\\/])vendor[\\/]?$/.test(modules) ? modules : resolve(modules, "vendor");
}

/**
 * Reads the lock file of a directory; parents are not searched.
 *
 * @param file its name, for one that is not `wippy.lock`
 * @returns no lock when there is no such file, or when it is wrong (then with problems)
 */
export function readLock(
  directory: string,
  file = lockFileName,
): { lock?: Lock; problems: Problem[] } {
  const path = resolve(directory, file);
  if (!existsSync(path)) return { problems: [] };
  const yaml = new YamlFile(readFileSync(path, "utf8"), file);
  if (yaml.problems.length > 0) return { problems: yaml.problems };
  const { texts } = yaml;
  const result = lockSchema.safeParse(texts ?? {});
  if (!result.success) {
    const problems = result.error.issues.map((issue): Problem => {
      const { path, message, fix } = faultOf(issue, texts);
      const text = `invalid lock file: ${message}`;
      return { severity: "error", file, ...yaml.position(path), message: text, fix };
    });
    return { problems };
  }
  const absolute = (target: string) => isAbsolute(target) ? target : resolve(directory, target);
  const problems: Problem[] = [];
  const replacements = new Map<string, string>();
  for (const [index, { from, to }] of result.data.replacements.entries()) {
    const position = yaml.position(["replacements", index, "to"]);
    const missing = !existsSync(absolute(to));
    if (!missing) replacements.set(from, absolute(to));
    problems.push({
      severity: missing ? "error" : "warning",
      file,
      ...position,
      message: missing
        ? `invalid lock file: replacement of ${from} does not exist: ${to}`
        : "replacements in the lock file are deprecated",
      fix: missing
        ? "correct the path, or remove the replacement"
        : "write workspace.replacements in .wippy.yaml",
    });
  }
  const { directories, modules } = result.data;
  return {
    lock: {
      file,
      source: absolute(directories.src),
      vendor: vendorDirectory(absolute(directories.modules)),
      modules: modules.map(({ hash, source, ...module }) => ({
        ...module,
        ...(hash !== undefined && { hash }),
        ...(source !== undefined && { source }),
      })),
      replacements,
    },
    problems,
  };
}
