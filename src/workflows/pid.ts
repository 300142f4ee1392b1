/** The node name that PID texts leave out. */
export const localNode = "local";

/**
 * PID text of a workflow, `{node@host|workflow id}`, without `node@` on the node named `local`. It names
 * the newest run of the id, so it survives retries and continue-as-new.
 */
export function workflowPid(node: string, hostId: string, workflowId: string): string {
  return node === localNode ? `{${hostId}|${workflowId}}` : `{${node}@${hostId}|${workflowId}}`;
}

/** The workflow id in a PID text; undefined when the text is no PID. */
export function workflowIdOf(pid: string): string | undefined {
  const bar = pid.indexOf("|");
  if (!pid.startsWith("{") || !pid.endsWith("}") || bar < 0) return undefined;
  return pid.slice(bar + 1, -1) || undefined;
}
