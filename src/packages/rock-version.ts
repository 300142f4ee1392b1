/**
 * Versions of rocks, and what dependencies say of them.
 * @module
 */
import { PackageError } from "./package.ts";

/** Parts of versions that are no releases, from the least to the greatest. */
const words: Readonly<Record<string, number>> = {
  dev: 120_000_000,
  scm: 110_000_000,
  cvs: 100_000_000,
  rc: -1000,
  pre: -10_000,
  beta: -100_000,
  alpha: -1_000_000,
};

/** Whether a version, or one in a constraint, names the state of a repository rather than a release. */
export function isDevelopment(version: string): boolean {
  return /\b(?:dev|scm|cvs|git)\b/.test(version);
}

function partsOf(version: string): { parts: number[]; revision: number | undefined } {
  const [, body = "", revision] = /^(.*?)(?:-(\d+))?$/.exec(version.trim().replace(/^v/, "")) ?? [];
  const parts = (body.match(/\d+|[a-zA-Z]+/g) ?? []).map((part) =>
    /^\d/.test(part)
      ? Number(part)
      : words[part.toLowerCase()] ?? part.toLowerCase().charCodeAt(0) / 1000
  );
  return { parts, revision: revision === undefined ? undefined : Number(revision) };
}

/** Below 0 when the left version is older. A revision counts only when both have one. */
export function compareVersions(left: string, right: string): number {
  const a = partsOf(left);
  const b = partsOf(right);
  for (let index = 0; index < Math.max(a.parts.length, b.parts.length); index++) {
    const difference = (a.parts[index] ?? 0) - (b.parts[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return a.revision === undefined || b.revision === undefined ? 0 : a.revision - b.revision;
}

/**
 * Whether a version is one of those that a constraint allows: `>= 1.2, < 2`, `~> 1.2`, `== 3.1-0`, `1.0`.
 *
 * @throws PackageError for what is no constraint
 */
export function satisfies(version: string, constraint: string): boolean {
  return constraint.split(",").map((part) => part.trim()).filter((part) => part !== "").every(
    (part) => {
      const [, operator = "", wanted] = /^(==|~=|>=|<=|~>|>|<|=)?\s*v?([\w.+-]+)$/.exec(part) ?? [];
      if (wanted === undefined) {
        throw new PackageError(`"${constraint}" is no constraint of versions`);
      }
      const order = compareVersions(version, wanted);
      switch (operator) {
        case "~=":
          return order !== 0;
        case ">=":
          return order >= 0;
        case "<=":
          return order <= 0;
        case ">":
          return order > 0;
        case "<":
          return order < 0;
        case "~>": {
          const { parts } = partsOf(wanted);
          const own = partsOf(version).parts;
          return parts.every((part, index) => (own[index] ?? 0) === part);
        }
        default:
          return order === 0;
      }
    },
  );
}

/** A dependency as a rockspec writes it: `penlight >= 1.0, < 2`. @throws PackageError */
export function parseDependency(text: string): { name: string; constraint: string } {
  const [, name, constraint = ""] = /^\s*([A-Za-z0-9][\w.-]*(?:\/[\w.-]+)?)\s*(.*)$/s.exec(text) ??
    [];
  if (name === undefined) throw new PackageError(`"${text}" is no dependency`);
  return { name: name.toLowerCase(), constraint };
}
