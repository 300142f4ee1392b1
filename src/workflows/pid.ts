/** The node name that PID texts leave out. */
export const localNode = "local";

/**
 * PID text of a workflow, `{node@host|workflow id}`, without `node@` on the node named `local`. It names
 * the newest run of the id, so it survives retries and continue-as-new.
 */
export function workflowPid(node: string, hostId: string, workflowId: string): string {
  return node === localNode ? `{${hostId}|${workflowId}}` : `{${node}@${hostId}|${workflowId}}`;
}

/** The host and the workflow id in a PID text of this node; undefined when it is none. */
export function placeOf(pid: string): { hostId: string; workflowId: string } | undefined {
  const [bar, end] = [pid.indexOf("|"), pid.length - 1];
  if (bar < 2 || bar + 1 >= end || pid[0] !== "{" || pid[end] !== "}") return undefined;
  const hostId = pid.slice(1, bar);
  return hostId.includes("@") ? undefined : { hostId, workflowId: pid.slice(bar + 1, end) };
}

/** The workflow id in a PID text; undefined when the text is no PID. */
export function workflowIdOf(pid: string): string | undefined {
  const bar = pid.indexOf("|");
  if (!pid.startsWith("{") || !pid.endsWith("}") || bar < 0) return undefined;
  return pid.slice(bar + 1, -1) || undefined;
}
