/** Lua code, ready for the compiler. */
export interface PreparedSource {
  code: string;
}

/**
 * The stage between the text of an entry and the VM: the compiler never sees the text itself. Lines
 * keep their numbers, so that positions in errors are positions in the file.
 *
 * @param _entryId the entry that the text belongs to
 * @param text contents of the source file; a `#!` line is allowed
 */
export function prepareSource(_entryId: string, text: string): PreparedSource {
  const withoutMark = text.startsWith("\uFEFF") ? text.slice(1) : text;
  return { code: withoutMark.startsWith("#") ? withoutMark.replace(/^[^\n]*/, "") : withoutMark };
}
