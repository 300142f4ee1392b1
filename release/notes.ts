/**
 * Returns the part of a changelog that is about a version, or about what is `Unreleased`.
 *
 * @throws when the changelog has no such part
 */
export function changesOf(changelog: string, version: string): string {
  const part = changelog.split(/^(?=## \[)/m).find((part) => part.startsWith(`## [${version}]`));
  if (part === undefined) throw new Error(`CHANGELOG.md has no section "## [${version}]"`);
  return `${part.replace(/^\[[^\]]+\]: .*$/gm, "").trim()}\n`;
}
