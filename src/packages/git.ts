/**
 * Fetches repositories with the program `git`. Nothing is checked out, so neither hooks nor filters run.
 * @module
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type FileTree, unpackStream } from "./file-tree.ts";
import { PackageError } from "./package.ts";

/** How long a fetch may take, in milliseconds. */
const longest = 120_000;

/**
 * Fetches the files of one commit.
 *
 * @param url anything that git accepts, but for helpers that run programs
 * @param ref a branch, a tag or a commit
 * @param directory relative addresses start here
 * @throws PackageError
 */
export async function fetchFromGit(
  url: string,
  ref: string | undefined,
  directory: string,
): Promise<{ commit: string; files: FileTree }> {
  const program = Bun.which("git");
  if (program === null) {
    throw new PackageError(
      "git is not installed, so repositories cannot be fetched",
      "install git",
    );
  }
  const folder = mkdtempSync(join(tmpdir(), "wippy-git-"));
  const git = (...args: string[]) =>
    Bun.spawn([program, "--git-dir", folder, ...args], {
      cwd: directory,
      env: {
        ...process.env,
        GIT_TERMINAL_PROMPT: "0",
        GIT_ALLOW_PROTOCOL: "file:git:http:https:ssh",
        GIT_CONFIG_NOSYSTEM: "1",
      },
      stdin: "ignore",
      stderr: "pipe",
      timeout: longest,
      killSignal: "SIGKILL",
    });
  const run = async (...args: string[]): Promise<string> => {
    const child = git(...args);
    const [out, error, status] = await Promise.all([
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
      child.exited,
    ]);
    if (status === 0) return out.trim();
    const reason = child.signalCode === null
      ? /^(?:fatal|error): (.*)$/m.exec(error)?.[1] ?? `status ${status}`
      : `nothing came within ${longest / 1000} seconds`;
    throw new PackageError(`git cannot fetch ${url}${ref ? ` at ${ref}` : ""}: ${reason}`);
  };
  try {
    await run("init", "--quiet", "--bare");
    const commit = await fetchCommit(run, url, ref);
    const archive = git("archive", "--format=tar", commit);
    const files = await unpackStream(archive.stdout, url).finally(() => archive.kill());
    return { commit, files };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function fetchCommit(
  run: (...args: string[]) => Promise<string>,
  url: string,
  ref = "HEAD",
): Promise<string> {
  const fetch = ["fetch", "--quiet", "--no-tags", "--no-recurse-submodules"];
  try {
    await run(...fetch, "--depth", "1", "--", url, ref);
    return await run("rev-parse", "--verify", "FETCH_HEAD^{commit}");
  } catch (error) {
    // A server may give out the commits of branches only; then they are all fetched.
    if (!/^[0-9a-f]{7,64}$/.test(ref)) throw error;
    await run(...fetch, "--", url, "+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*");
    return await run("rev-parse", "--verify", `${ref}^{commit}`);
  }
}
