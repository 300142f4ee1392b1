import { basename, resolve } from "node:path";
import type { Application } from "../../app/app.ts";
import { settingValue } from "../../app/config-file.ts";
import { findDisabled, matchesEntryPattern } from "../../app/disable.ts";
import { packSuffix } from "../../app/pack/name.ts";
import type { Manifest, PackedTest } from "../../app/pack/pack.ts";
import { type Resource, writePack } from "../../app/pack/write.ts";
import { withSyntaxCheck } from "../../app/syntax-check.ts";
import { decodeEntry } from "../../registry/decode.ts";
import type { Entry } from "../../registry/entry.ts";
import { fsDirectory, fsEmbed } from "../../registry/kinds/fs-directory.ts";
import { moduleDirectory } from "../../registry/module-directory.ts";
import { WippyError } from "../../vm/error.ts";
import { load, type SourceOptions } from "../run/load.ts";
import { report } from "../terminal/report.ts";
import { CommandError, type Console } from "../terminal/terminal.ts";
import { version, versionFacts } from "../terminal/version.ts";

/** Flags of `wippy pack`. */
export interface PackOptions extends SourceOptions {
  description?: string;
  tags?: string;
  meta?: string[];
  embed?: string[];
  embedAll?: boolean;
  tests?: boolean;
  list?: boolean;
  excludeNs?: string[];
  exclude?: string[];
  bytecode?: string;
}

/** `wippy pack OUTPUT.wapp`: the application of the current directory as one file. */
export async function pack(
  console: Console,
  output: string | undefined,
  options: PackOptions,
): Promise<number> {
  if (options.bytecode !== undefined) {
    throw new CommandError(
      "packs have no bytecode: it would run on one version of wippy only",
      "leave --bytecode out; sources are packed",
    );
  }
  const target = options.list ? undefined : targetOf(console, output);
  const metadata = options.list ? {} : await metadataOf(console, options);
  const application = await withSyntaxCheck((check) => load(console, options, check));
  if (!application.locked) {
    throw new CommandError(
      `no ${application.lockFile} in ${application.directory}`,
      'run "wippy init" there, or name the directory with -C',
    );
  }
  report(console, application.problems);
  const left = leaveOut(application.entries, options);
  if (target === undefined) return list(console, left);
  const { entries, resources } = embed(application, left, options);
  const tests = options.tests ? await testsOf(application, left) : undefined;
  try {
    const { sha256, files, size } = await writePack(target, {
      entries,
      resources,
      ...(tests && { tests }),
      metadata,
      skipped: new Set([target, resolve(application.directory, ".wippy")]),
    });
    const embedded = (resources.length === 0 ? "" : `, ${files} files`) +
      (tests ? `, ${tests.length} files of tests` : "");
    console.err(
      `wrote ${output}: ${entries.length} entries${embedded}, ${size} bytes\nsha256 ${sha256}\n`,
    );
    return 0;
  } catch (error) {
    const { message } = WippyError.from(error);
    throw new CommandError(`cannot write ${output}: ${message}`);
  }
}

/** The files of tests of what is packed. @throws CommandError when there are none */
async function testsOf(application: Application, entries: Entry[]): Promise<PackedTest[]> {
  const { findTestFiles } = await import("../../testing/discovery.ts");
  const tests = findTestFiles({ ...application, entries });
  if (tests.length > 0) return tests;
  throw new CommandError("there are no files of tests, named *_test.lua", "leave --tests out");
}

function targetOf(console: Console, output: string | undefined): string {
  if (output?.endsWith(packSuffix) && basename(output) !== packSuffix) {
    return resolve(console.directory, output);
  }
  const given = output === undefined ? "no output file given" : `${output} does not end in .wapp`;
  throw new CommandError(given, "write wippy pack NAME.wapp");
}

/** What the pack says of itself; the time only when SOURCE_DATE_EPOCH says which, as else no two packs were equal. */
async function metadataOf(console: Console, options: PackOptions): Promise<Manifest["metadata"]> {
  const metadata: Manifest["metadata"] = {};
  for (const text of options.meta ?? []) {
    const [, key, value] = /^([^=\s]+)=(.*)$/s.exec(text) ?? [];
    if (key === undefined || value === undefined) {
      throw new CommandError(`invalid --meta "${text}": expected key=value`);
    }
    if (/^(?:wippy|system)\./.test(key)) {
      throw new CommandError(
        `invalid --meta "${text}": ${key} is reserved`,
        "choose a key that does not begin with wippy. or system.",
      );
    }
    metadata[key] = settingValue(value);
  }
  if (options.description !== undefined) metadata["description"] = options.description;
  if (options.tags !== undefined) metadata["tags"] = options.tags;
  const { commit } = await versionFacts();
  metadata["wippy.version"] = version;
  if (commit !== "") metadata["wippy.commit"] = commit;
  const epoch = console.system["SOURCE_DATE_EPOCH"];
  if (epoch !== undefined && /^\d{1,11}$/.test(epoch)) {
    metadata["wippy.packed_at"] = new Date(Number(epoch) * 1000).toISOString();
  }
  return Object.fromEntries(
    Object.entries(metadata).sort(([left], [right]) => left < right ? -1 : 1),
  );
}

function leaveOut(entries: readonly Entry[], options: PackOptions): Entry[] {
  const section = {
    ...(options.excludeNs && { namespaces: options.excludeNs }),
    ...(options.exclude && { entries: options.exclude }),
  };
  const { disabled, problems } = findDisabled(entries, section);
  const [problem] = problems;
  if (problem !== undefined) throw new CommandError(problem.message, problem.fix);
  return entries.filter(({ id }) => !disabled.has(id));
}

function volumes(entries: readonly Entry[]): Entry[] {
  return entries.filter(({ kind }) => kind === fsDirectory.name || kind === fsEmbed.name);
}

function list(console: Console, entries: readonly Entry[]): number {
  const found = volumes(entries);
  if (found.length === 0) console.out("No fs.directory or fs.embed entries found.\n");
  for (const { id, kind, data } of found) console.out(`${id}  ${kind}  ${data["directory"]}\n`);
  return 0;
}

/** Turns the chosen directories into `fs.embed` entries, whose files are packed with those that are one already. */
function embed(
  application: Application,
  entries: readonly Entry[],
  options: PackOptions,
): { entries: Entry[]; resources: Resource[] } {
  const resources: Resource[] = [];
  const patterns = options.embed ?? [];
  const used = new Set<string>();
  const chosen = (entry: Entry) => {
    if (entry.kind === fsEmbed.name) return true;
    if (entry.kind !== fsDirectory.name) return false;
    const matching = patterns.filter((pattern) => matchesEntryPattern(pattern, entry.id));
    for (const pattern of matching) used.add(pattern);
    return options.embedAll === true || matching.length > 0;
  };
  const result = entries.map((entry) => {
    if (!chosen(entry)) return entry;
    const kind = entry.kind === fsEmbed.name ? fsEmbed : fsDirectory;
    const { directory, base } = decodeEntry(kind, entry, application.environment);
    const ofModule = base === "module" || base === undefined && entry.meta["module"] !== undefined;
    const root = ofModule
      ? moduleDirectory(entry, application.modules, application.directory)
      : application.directory;
    resources.push({ entry: entry.id, directory: resolve(root, directory) });
    return { ...entry, kind: fsEmbed.name, data: { directory, ...(base && { base }) } };
  });
  for (const pattern of patterns) {
    if (used.has(pattern)) continue;
    throw new CommandError(
      `--embed ${pattern} matches no fs.directory entry`,
      "wippy pack --list shows them",
    );
  }
  return { entries: result, resources };
}
