/**
 * The Homebrew formula.
 * @module
 */

/** The targets that Homebrew runs on, as it names them. */
const machines = [
  ["darwin-arm64", "on_macos", "on_arm"],
  ["darwin-x64", "on_macos", "on_intel"],
  ["linux-arm64", "on_linux", "on_arm"],
  ["linux-x64", "on_linux", "on_intel"],
] as const;

/**
 * Returns the formula, which installs the archives of a release.
 *
 * @param sums SHA-256 of the archives by name; machines without one are left out
 * @param url where the archives are. @default the value of HOMEBREW_WIPPY_RELEASES at installation
 */
export function formula(
  version: string,
  description: string,
  sums: ReadonlyMap<string, string>,
  url?: string,
): string {
  const base = url ?? '#{ENV.fetch("HOMEBREW_WIPPY_RELEASES")}';
  const blocks = machines.flatMap(([target, system, processor]) => {
    const archive = `wippy-${version}-${target}.tar.gz`;
    const sum = sums.get(archive);
    return sum === undefined ? [] : [`
  ${system} do
    ${processor} do
      url "${base}/${archive}"
      sha256 "${sum}"
    end
  end
`];
  });
  return `class Wippy < Formula
  desc "${description}"
  homepage "${url ?? "file:///"}"
  version "${version}"
  license "MIT"
${blocks.join("")}
  def install
    bin.install "wippy"
    man1.install "man/wippy.1"
    bash_completion.install "completions/wippy.bash" => "wippy"
    zsh_completion.install "completions/_wippy"
    fish_completion.install "completions/wippy.fish"
    pkgshare.install "examples"
  end

  test do
    assert_equal version.to_s, shell_output("#{bin}/wippy version --short").strip
  end
end
`;
}
