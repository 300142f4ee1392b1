import { existsSync, readFileSync } from "node:fs";
import { dirname, relative, resolve } from "node:path";
import { Config, isMap, type Section } from "./config.ts";
import { misspelledKeys } from "./config-schema.ts";
import { overlay, overlayProfile } from "./config-overlay.ts";
import type { Problem } from "./problem.ts";
import { YamlFile } from "./yaml-file.ts";

/** Name of the configuration file that is read when none is named. */
export const configFileName = ".wippy.yaml";

/** The value of a `--set` argument: `true`, `007` and `1e3` are not text. */
export function settingValue(text: string): string | number | boolean {
  if (text === "true" || text === "false") return text === "true";
  if (/^[+-]?\d+$/.test(text) && Number.isSafeInteger(Number(text))) return Number(text);
  if (/^[+-]?(?:inf|infinity)$/i.test(text)) return text.startsWith("-") ? -Infinity : Infinity;
  if (/^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/.test(text)) return Number(text);
  return text;
}

/** What `loadConfig` needs. */
export interface ConfigOptions {
  /** The application's directory. */
  directory: string;
  /** Files named by `--config`, merged from left to right; empty: `.wippy.yaml` if it exists. */
  files?: readonly string[] | undefined;
  /** `--profile` arguments: names below `profiles`, which are laid over the files in this order. */
  profiles?: readonly string[] | undefined;
  /** `--set` arguments, `section.path=value`. */
  settings?: readonly string[] | undefined;
  /** What lies below all of them. */
  defaults?: Section | undefined;
  /** Values for `${env:NAME}`. */
  system?: Readonly<Record<string, string | undefined>>;
}

/** Reads the configuration and lays profiles and the settings of the command line over it. */
export function loadConfig(options: ConfigOptions): { config: Config; problems: Problem[] } {
  const problems: Problem[] = [];
  const named = options.files ?? [];
  const files = named.length > 0 ? named : [configFileName];
  const read: ConfigFile[] = [];
  for (const file of files) {
    const path = resolve(options.directory, file);
    if (existsSync(path)) {
      read.push(new ConfigFile(path, relative(options.directory, path), problems));
    } else if (named.length > 0) {
      const message = `configuration file not found: ${file}`;
      problems.push({ severity: "error", message, fix: "correct the path after --config" });
    }
  }
  let sections = layered(read, options, problems);
  for (const setting of options.settings ?? []) {
    const parsed = parseSetting(setting);
    if ("fix" in parsed) problems.push(parsed);
    else sections = overlay(sections, parsed.sections);
  }
  const anchor = dirname(resolve(options.directory, files[0] ?? ""));
  return { config: new Config(sections, anchor), problems };
}

/** The files over the defaults, and the chosen profiles of all files over both. */
function layered(files: ConfigFile[], options: ConfigOptions, problems: Problem[]): Section {
  const { profiles = [], system = {} } = options;
  const vars: Section = {};
  for (const file of files) Object.assign(vars, file.vars(system));
  const known = new Set(files.flatMap((file) => Object.keys(file.profiles)));
  for (const profile of new Set(profiles)) {
    if (known.has(profile)) continue;
    const message = `unknown profile: ${profile}`;
    const fix = known.size === 0
      ? 'define it below "profiles:" in the configuration'
      : `the configuration has: ${[...known].join(", ")}`;
    problems.push({ severity: "error", message, fix });
  }
  for (const profile of profiles) {
    for (const file of files) Object.assign(vars, file.profileVars(profile));
  }
  let sections: Section = options.defaults ?? {};
  for (const file of files) sections = overlay(sections, file.sections(vars, system));
  for (const profile of profiles) {
    for (const file of files) {
      sections = overlayProfile(sections, file.profile(profile, vars, system));
    }
  }
  return sections;
}

function parseSetting(setting: string): { sections: Section } | Problem {
  const equals = setting.indexOf("=");
  const wrong = (message: string): Problem => ({
    severity: "error",
    message: `invalid --set "${setting}": ${message}`,
    fix: "write it like --set logger.encoding=json",
  });
  if (equals < 0) return wrong("expected section.path=value");
  const parts = setting.slice(0, equals).split(".");
  if (parts.length < 2 || parts.includes("")) {
    return wrong("key must be section.path (e.g. cluster.enabled)");
  }
  const value = settingValue(setting.slice(equals + 1));
  const sections = parts.reduceRight<unknown>((inner, part) => ({ [part]: inner }), value);
  return { sections: sections as Section };
}

/** One configuration file. What is wrong with it is reported with its place. */
class ConfigFile {
  /** Sections by profile, as they are written. */
  readonly profiles: Readonly<Record<string, Section>>;
  readonly #yaml: YamlFile;
  readonly #sections: Section;
  readonly #vars: Section;

  constructor(path: string, readonly shown: string, readonly problems: Problem[]) {
    this.#yaml = new YamlFile(readFileSync(path, "utf8"), shown);
    const { version, vars, profiles, ...sections } = this.#map();
    // Without quotes, 1.0 is a number.
    if (version !== undefined && version !== "1.0" && version !== 1) {
      const shown = JSON.stringify(version);
      this.#report(["version"], `unsupported version: ${shown}`, 'write version: "1.0"');
    }
    this.#checkSections(sections, []);
    this.#sections = sections;
    this.#vars = isMap(vars) ? vars : {};
    this.profiles = this.#checkProfiles(profiles ?? {});
  }

  #report(
    at: PropertyKey[],
    message: string,
    fix: string,
    severity: Problem["severity"] = "error",
  ): void {
    const position = this.#yaml.position(at);
    this.problems.push({ severity, file: this.shown, ...position, message, fix });
  }

  #map(): Section {
    const { problems, value } = this.#yaml;
    this.problems.push(...problems);
    if (problems.length > 0 || value === null || value === undefined) return {};
    if (isMap(value)) return value;
    this.#report([], "the configuration must be a map", 'write sections such as "logger:"');
    return {};
  }

  #checkSections(sections: Section, path: PropertyKey[]): void {
    for (const [name, section] of Object.entries(sections)) {
      if (isMap(section) || section === null) continue;
      this.#report([...path, name], `section ${name} must be a map`, "write keys below it");
    }
    const { vars: _, ...others } = sections;
    for (const { path: below, meant } of misspelledKeys(others)) {
      const message = `unknown key ${below.join(".")} is ignored`;
      this.#report([...path, ...below], message, `did you mean "${meant}"?`, "warning");
    }
  }

  #checkProfiles(profiles: unknown): Record<string, Section> {
    if (!isMap(profiles)) {
      this.#report(["profiles"], "profiles must be a map", "write the name of a profile below it");
      return {};
    }
    const result: Record<string, Section> = {};
    for (const [name, sections] of Object.entries(profiles)) {
      const path = ["profiles", name];
      result[name] = isMap(sections) ? sections : {};
      if (isMap(sections)) this.#checkSections(sections, path);
      else if (sections !== null) {
        this.#report(path, `profile ${name} must be a map`, "write sections below it");
      }
    }
    return result;
  }

  /** What is below `vars`, with placeholders replaced. */
  vars(system: Variables): Section {
    return this.#substituted(this.#vars, ["vars"], { names: this.#vars, system });
  }

  /** What is below `vars` of a profile: values only, so that a profile means the same everywhere. */
  profileVars(profile: string): Section {
    const vars = this.profiles[profile]?.["vars"];
    if (!isMap(vars)) return {};
    for (const [name, value] of Object.entries(vars)) {
      if (typeof value !== "string" || !value.includes("${env:")) continue;
      const message = `variable ${name} of a profile cannot name an environment variable`;
      this.#report(["profiles", profile, "vars", name], message, 'move it below the "vars:" above');
    }
    return vars;
  }

  sections(names: Section, system: Variables): Section {
    return this.#withOverride(this.#sections, [], names, system);
  }

  /** The sections of a profile; none if this file does not have it. */
  profile(name: string, names: Section, system: Variables): Section {
    const { vars: _vars, ...sections } = this.profiles[name] ?? {};
    return this.#withOverride(sections, ["profiles", name], names, system);
  }

  /** Overrides are entry data: what their placeholders name in the environment is known with the entries. */
  #withOverride(
    sections: Section,
    path: PropertyKey[],
    names: Section,
    system: Variables,
  ): Section {
    const { override, ...others } = sections;
    const result = this.#substituted(others, path, { names, system });
    if (override === undefined) return result;
    const kept = { names, system, forEntries: true };
    return { ...result, ...this.#substituted({ override }, path, kept) };
  }

  /** Replaces `${env:NAME}` (operating system) and `${name}` (vars) in every text. */
  #substituted(sections: Section, path: PropertyKey[], known: Known): Section {
    const result: Section = {};
    for (const [key, value] of Object.entries(sections)) {
      result[key] = this.#value(value, [...path, key], known);
    }
    return result;
  }

  #value(value: unknown, path: PropertyKey[], known: Known): unknown {
    if (typeof value === "string") return this.#text(value, path, known);
    if (Array.isArray(value)) {
      return value.map((element, index) => this.#value(element, [...path, index], known));
    }
    return isMap(value) ? this.#substituted(value, path, known) : value;
  }

  #text(source: string, path: PropertyKey[], { names, system, forEntries }: Known): unknown {
    const [, whole] = /^\$\{([\w.-]+)\}$/.exec(source) ?? [];
    if (whole !== undefined && Object.hasOwn(names, whole)) return names[whole];
    return source.replace(
      /\$\{(env:)?([\w.-]+)\}/g,
      (placeholder, env: string | undefined, name: string) => {
        if (env !== undefined && forEntries === true) return placeholder;
        const value = env === undefined ? names[name] : system[name];
        if (value !== undefined) return String(value);
        if (forEntries === true) return placeholder;
        if (env === undefined) {
          this.#report(path, `unknown variable ${name}`, `add it below "vars:"`);
        } else {
          const message = `environment variable ${name} is not set`;
          this.#report(path, message, "set it before the start");
        }
        return "";
      },
    );
  }
}

type Variables = Readonly<Record<string, string | undefined>>;

/** What placeholders stand for. */
interface Known {
  readonly names: Section;
  readonly system: Variables;
  /** Leaves placeholders of the environment and of unknown names to the entries. */
  readonly forEntries?: boolean;
}
