/**
 * One registered thing: a function, a host, a variable, or plain data.
 *
 * `data` keeps the text of `file://` sources and the raw `${env:…}` placeholders, so that showing an
 * entry never shows a secret; `decodeEntry` gives the values to run with.
 */
export interface Entry {
  /** `namespace:name`; the first colon separates the two. */
  id: string;
  kind: string;
  meta: Record<string, unknown>;
  data: EntryData;
  /** Where the entry was written; absent on entries made at run time. */
  origin?: {
    file: string;
    line: number;
    column: number;
    /** What its code is called in positions, where that is not the identifier. */
    chunk?: string;
    /** File and line at which the text of `data.source` begins. */
    source?: { file: string; line: number };
    /** The code is that of a script, which has all of Lua's libraries. */
    script?: ScriptCode;
    /** Each character of the source is a byte, since the file is no UTF-8. */
    bytes?: boolean;
    /** Its code as it was written, where the entry's source puts more around it. */
    text?: string;
  };
}

/**
 * The payload of an entry: fields by name. Where the kind allows any plain value (`Kind.anyData`), one that is no map
 * has no fields.
 */
export type EntryData = Record<string, unknown>;

/** Takes a plain value as a payload; `tryDecode` refuses one that the kind does not allow. */
export function payloadOf(value: unknown): EntryData {
  return (value ?? {}) as EntryData;
}

/** Whether a payload has fields. */
export function hasFields(data: EntryData): boolean {
  return typeof data === "object" && !Array.isArray(data);
}

/** What code of a script is told of its script. */
export interface ScriptCode {
  /** As it was called: `arg[0]`. */
  name: string;
  /** Its arguments; bytes where they are no UTF-8. */
  args: readonly (string | Uint8Array)[];
  /** Where `require` looks for files, in the form of `package.path`. */
  path: string;
  /** The script's file, as `path` leads to it. */
  file?: string;
}

/** The two parts of an identifier; `namespace` is empty when there is no colon. */
export interface EntryId {
  namespace: string;
  name: string;
}

/** Splits an identifier at its first colon. Never fails. */
export function parseId(id: string): EntryId {
  const colon = id.indexOf(":");
  if (colon < 0) return { namespace: "", name: id };
  return { namespace: id.slice(0, colon), name: id.slice(colon + 1) };
}

/** Completes a reference: a bare name means the namespace given. */
export function qualify(reference: string, namespace: string): string {
  return reference.includes(":") ? reference : `${namespace}:${reference}`;
}

/** Orders identifiers by their code units, the same on every machine. */
export function compareIds(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}
