/**
 * What a source must not carry away from the machine it was written on.
 * @module
 */

/** A line that names a place which only one machine has. */
export interface Trace {
  line: number;
  text: string;
  reason: string;
}

const rules: { pattern: RegExp; reason: string }[] = [
  {
    pattern: /https?:\/\/[\w.:@-]*(registry|npmmirror|artifactory|nexus|verdaccio)\b/i,
    reason: "address of a package registry",
  },
  {
    pattern: /^\s*(?:[\w.:@/-]*registry\s*=\s*"?(?:https?:)?\/\/|[\w.:@/-]*_auth\w*\s*=\s*\S)/,
    reason: "registry setting of npm or bun",
  },
  {
    pattern: /https?:\/\/(localhost|127\.0\.0\.1|\d+\.\d+\.\d+\.\d+)[^\s"'`]*\/[\w@./-]+\.tgz/,
    reason: "address of a package",
  },
  {
    pattern: /(^|[\s"'`(=:,])(file:\/\/)?\/(home|Users)\/[\w.-]+\//,
    reason: "path in somebody's home folder",
  },
  {
    pattern: /(^|[\s"'`(=:,])(file:\/\/)?\/(root|work|builds|workspace)\/[\w.-]+/,
    reason: "path of one machine",
  },
  { pattern: /\b[A-Z]:\\{1,2}Users\\/, reason: "path in somebody's home folder" },
];

/** Finds the traces in the text of a file. */
export function machineTraces(text: string): Trace[] {
  const found: Trace[] = [];
  for (const [index, line] of text.split("\n").entries()) {
    for (const { pattern, reason } of rules) {
      if (pattern.test(line)) found.push({ line: index + 1, text: line.trim(), reason });
    }
  }
  return found;
}
