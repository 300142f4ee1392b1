/**
 * Runs of ten steps on Temporal: the worker and its client. Arguments: its folder of packages, the
 * server's address, "remote" or "local" activities, then those of ten-steps.mjs. With "bundle" in the
 * place of the activities it only bundles the workflows, as is done before a worker is deployed.
 */
import { copyFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { measure } from "./ten-steps.mjs";

const [packages, address, activities, ...rest] = process.argv.slice(2);
const require = createRequire(join(packages, "package.json"));
const { Client, Connection } = require("@temporalio/client");
const { bundleWorkflowCode, DefaultLogger, NativeConnection, Runtime, Worker } = require(
  "@temporalio/worker",
);

const logger = new DefaultLogger("ERROR");
const bundle = join(packages, "workflows.bundle.js");
if (activities === "bundle") {
  // The bundler finds the packages only from beside them.
  const workflowsPath = join(packages, "workflows.mjs");
  copyFileSync(join(import.meta.dirname, "temporal-workflows.mjs"), workflowsPath);
  writeFileSync(bundle, (await bundleWorkflowCode({ workflowsPath, logger })).code);
  process.exit(0);
}

Runtime.install({ logger });
const taskQueue = `bench-${process.pid}`;
const worker = await Worker.create({
  connection: await NativeConnection.connect({ address }),
  taskQueue,
  workflowBundle: { codePath: bundle },
  activities: { step: (value) => Promise.resolve(value + 1) },
});
const running = worker.run();
const client = new Client({ connection: await Connection.connect({ address }) });
const type = activities === "local" ? "tenLocal" : "ten";
let next = 0;
await measure(
  () => client.workflow.execute(type, { taskQueue, workflowId: `${taskQueue}-${next++}` }),
  rest,
);
worker.shutdown();
await running;
process.exit(0);
