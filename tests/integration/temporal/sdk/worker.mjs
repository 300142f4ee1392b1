// A worker written with Temporal's TypeScript SDK, for Node: node worker.mjs ADDRESS QUEUE. Says "ready" when it polls.
import { fileURLToPath } from "node:url";
import { ApplicationFailure } from "@temporalio/common";
import { NativeConnection, Runtime, Worker } from "@temporalio/worker";

const [address, taskQueue] = process.argv.slice(2);
Runtime.install({ logger: { log() {}, trace() {}, debug() {}, info() {}, warn() {}, error() {} } });
const connection = await NativeConnection.connect({ address });
const worker = await Worker.create({
  connection,
  taskQueue,
  workflowsPath: fileURLToPath(new URL("./workflows.mjs", import.meta.url)),
  activities: {
    "sdk:greet": (person) => ({
      text: `hello ${person.name}`,
      twice: person.n * 2,
      list: [1, "x"],
    }),
    "sdk:refuse": () => {
      throw ApplicationFailure.nonRetryable("no money", "CardDeclined", { code: 51 });
    },
    "sdk:conflict": () => {
      throw ApplicationFailure.nonRetryable("taken", "Conflict");
    },
  },
});
console.log("ready");
await worker.run();
