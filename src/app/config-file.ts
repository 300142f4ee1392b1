import { existsSync, readFileSync } from "node:fs";
import { dirname, relative, resolve } from "node:path";
import { Config, isMap, type Section } from "./config.ts";
import type { Problem } from "./problem.ts";
import { YamlFile } from "./yaml-file.ts";

/** Name of the configuration file that is read when none is named. */
export const configFileName = ".wippy.yaml";

/** Lays one map over another, key by key; lists and scalars are replaced whole. */
function overlay(below: Section, above: Section): Section {
  const result: Section = { ...below };
  for (const [key, value] of Object.entries(above)) {
    const present = result[key];
    result[key] = isMap(present) && isMap(value) ? overlay(present, value) : value;
  }
  return result;
}

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
  /** `--set` arguments, `section.path=value`. */
  settings?: readonly string[] | undefined;
  /** What lies below all of them. */
  defaults?: Section | undefined;
  /** Values for `${env:NAME}`. */
  system?: Readonly<Record<string, string | undefined>>;
}

/** Reads the configuration and lays the settings of the command line over it. */
export function loadConfig(options: ConfigOptions): { config: Config; problems: Problem[] } {
  const problems: Problem[] = [];
  const named = options.files ?? [];
  const files = named.length > 0 ? named : [configFileName];
  let sections: Section = options.defaults ?? {};
  for (const file of files) {
    const path = resolve(options.directory, file);
    if (!existsSync(path)) {
      if (named.length === 0) continue;
      const message = `configuration file not found: ${file}`;
      problems.push({ severity: "error", message, fix: "correct the path after --config" });
      continue;
    }
    const shown = relative(options.directory, path);
    sections = overlay(sections, readConfigFile(path, shown, options.system ?? {}, problems));
  }
  for (const setting of options.settings ?? []) {
    const parsed = parseSetting(setting);
    if ("fix" in parsed) problems.push(parsed);
    else sections = overlay(sections, parsed.sections);
  }
  const anchor = dirname(resolve(options.directory, files[0] ?? ""));
  return { config: new Config(sections, anchor), problems };
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

function readConfigFile(
  path: string,
  shown: string,
  system: Readonly<Record<string, string | undefined>>,
  problems: Problem[],
): Section {
  const yaml = new YamlFile(readFileSync(path, "utf8"), shown);
  const report = (at: PropertyKey[], message: string, fix: string) => {
    problems.push({ severity: "error", file: shown, ...yaml.position(at), message, fix });
  };
  if (yaml.problems.length > 0) {
    problems.push(...yaml.problems);
    return {};
  }
  if (yaml.value === null || yaml.value === undefined) return {};
  if (!isMap(yaml.value)) {
    report([], "the configuration must be a map", 'write sections such as "logger:"');
    return {};
  }
  const { version, vars, ...sections } = yaml.value;
  if (version !== undefined && String(version) !== "1.0") {
    report(["version"], `unsupported version: ${String(version)}`, 'write version: "1.0"');
  }
  if (sections["profiles"] !== undefined) {
    report(["profiles"], "profiles are not supported", "use several files with --config");
  }
  for (const [name, section] of Object.entries(sections)) {
    if (!isMap(section) && section !== null) {
      report([name], `section ${name} must be a map`, "write keys below it");
    }
  }
  return substitute(sections, isMap(vars) ? vars : {}, system, report);
}

/** Replaces `${env:NAME}` (operating system) and `${name}` (vars) in every text. */
function substitute(
  sections: Section,
  vars: Section,
  system: Readonly<Record<string, string | undefined>>,
  report: (path: PropertyKey[], message: string, fix: string) => void,
): Section {
  function text(source: string, path: PropertyKey[]): unknown {
    const [, whole] = /^\$\{([\w.-]+)\}$/.exec(source) ?? [];
    if (whole !== undefined && Object.hasOwn(vars, whole)) return vars[whole];
    return source.replace(/\$\{(env:)?([\w.-]+)\}/g, (_, env: string | undefined, name: string) => {
      const value = env === undefined ? vars[name] : system[name];
      if (value !== undefined) return String(value);
      if (env === undefined) report(path, `unknown variable ${name}`, `add it below "vars:"`);
      else report(path, `environment variable ${name} is not set`, "set it before the start");
      return "";
    });
  }
  function walk(value: unknown, path: PropertyKey[]): unknown {
    if (typeof value === "string") return text(value, path);
    if (Array.isArray(value)) return value.map((element, index) => walk(element, [...path, index]));
    if (!isMap(value)) return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, inner]) => [key, walk(inner, [...path, key])]),
    );
  }
  // Overrides are entry data: their placeholders name registered variables and stay.
  const { override, ...others } = sections;
  const result = walk(others, []) as Section;
  return override === undefined ? result : { ...result, override };
}
