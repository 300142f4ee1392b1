/**
 * Returns the section of a changelog for a version, or for `Unreleased`.
 *
 * @throws when the changelog has no such section
 */
export function changesOf(changelog: string, version: string): string {
  const part = changelog.split(/^(?=## \[)/m).find((part) => part.startsWith(`## [${version}]`));
  if (part === undefined) throw new Error(`CHANGELOG.md has no section "## [${version}]"`);
  return `${part.replace(/^\[[^\]]+\]: .*$/gm, "").trim()}\n`;
}
