/**
 * Packages: what `wippy add` accepts, and what is made of it.
 * @module
 */

/** A failure whose message is for the user. */
export class PackageError extends Error {
  override name = "PackageError";

  /** @param fix what to do about it */
  constructor(message: string, readonly fix?: string) {
    super(message);
  }
}

/** What somebody wants to have. */
export type Wanted =
  /** `version` is a version or a constraint; absent: the newest. */
  | { from: "luarocks"; name: string; version?: string }
  | { from: "npm"; name: string; version?: string }
  /** `ref`: a branch, a tag or a commit; absent: the default branch. */
  | { from: "git"; url: string; ref?: string }
  /** A folder or a file; relative to the application. */
  | { from: "path"; path: string };

/** A package with its files, ready to be written to the folder of modules. */
export interface Package {
  /** `org/module`, its name in the lock file. */
  name: string;
  version: string;
  /** Where exactly it came from, in the form that `wippy add` accepts. */
  source: string;
  /** Files of the module by path, its definitions among them. */
  files: Map<string, Buffer>;
  /** Identifiers of its libraries by the name that Lua code requires; empty for a module of wippy. */
  libraries: Map<string, string>;
  /** Names of the packages that it needs. */
  requires: string[];
  /** What somebody should know. */
  notes: string[];
}

const forms = "write luarocks:NAME[@VERSION], npm:NAME[@VERSION], git:URL[#REF], or the path of " +
  "a folder, such as ./lib";

/** Reads an argument of `wippy add`. @throws PackageError */
export function parseWanted(text: string): Wanted {
  const [, from, rest = ""] = /^(luarocks|npm|git|path):(.*)$/s.exec(text) ?? [];
  const wrong = (message: string) => new PackageError(`${text}: ${message}`, forms);
  switch (from) {
    case "luarocks": {
      const [, name, version] = /^([A-Za-z0-9][\w.-]*)(?:@([\w.+ <>=~^-]+))?$/.exec(rest) ?? [];
      if (name === undefined) throw wrong("not the name of a rock");
      return { from, name: name.toLowerCase(), ...(version && { version }) };
    }
    case "npm": {
      const [, name, version] =
        /^((?:@[a-z0-9][\w.-]*\/)?[a-z0-9][\w.-]*)(?:@([\w.+ <>=~^*|-]+))?$/.exec(rest) ?? [];
      if (name === undefined) throw wrong("not the name of an npm package");
      return { from, name, ...(version && { version }) };
    }
    case "git": {
      const [, url, ref] = /^([^#\s]+)(?:#([^\s]+))?$/.exec(rest) ?? [];
      if (url === undefined || url.startsWith("-")) throw wrong("not the address of a repository");
      if (ref?.startsWith("-")) throw wrong(`${ref} is not the name of a branch, tag or commit`);
      if (/^[a-z+]+:\/\/[^/@]*:[^/@]*@/i.test(url)) {
        throw new PackageError(
          "the address has a password, which would be written to the lock file",
          "leave it out, and let git's credential helper answer",
        );
      }
      return { from, url, ...(ref && { ref }) };
    }
    case "path":
      return { from, path: rest };
  }
  if (/^\.{0,2}\//.test(text) || text === "." || text === "..") return { from: "path", path: text };
  if (/^@?[\w.-]+\/[\w.-]+(?:@.*)?$/.test(text)) {
    throw new PackageError(`${text}: this wippy has no hub to fetch modules from`, forms);
  }
  throw wrong("it does not say where the package is");
}

/** The part of a module's name that comes from elsewhere, fit for a folder and a namespace. */
export function plainName(name: string): string {
  return name.replace(/^@/, "").replace(/[^\w.-]+/g, "-").replace(/^[.-]+|[.-]+$/g, "") ||
    "package";
}
