import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/**
 * Replaces the workflow host of an application by a worker of a Temporal server. That entry changes, and
 * one for the client is added; no other file changes.
 *
 * @param folder of the application
 * @param namespace of its entries
 * @param address of the server
 */
export function moveToTemporal(folder: string, namespace: string, address: string): void {
  const file = join(folder, "src/_index.yaml");
  const text = readFileSync(file, "utf8");
  const moved = text.replace(
    "kind: workflow.host\n",
    `kind: temporal.worker\n    client: ${namespace}:temporal\n    task_queue: ${namespace}\n`,
  );
  if (moved === text) throw new Error(`${namespace} has no workflow.host`);
  const client = { name: "temporal", kind: "temporal.client", address };
  writeFileSync(file, `${moved.trimEnd()}\n  - ${JSON.stringify(client)}\n`);
}
