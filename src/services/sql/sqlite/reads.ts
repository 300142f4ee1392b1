/** Begins a statement that may only read, behind comments. */
const reads = /^(?:\s|--[^\n]*\n|\/\*[\s\S]*?\*\/)*(?:SELECT|WITH|VALUES|EXPLAIN)\b/i;

/** Whether a statement may only read; one that does not fails on a connection that only reads. */
export function isRead(sql: string): boolean {
  return reads.test(sql);
}
