/** Runs of ten steps on DBOS Transact. Arguments: its folder of packages, the database's address, then those of ten-steps.mjs. */
import { createRequire } from "node:module";
import { join } from "node:path";
import { measure } from "./ten-steps.mjs";

const [packages, systemDatabaseUrl, ...rest] = process.argv.slice(2);
const { DBOS } = createRequire(join(packages, "package.json"))("@dbos-inc/dbos-sdk");

const ten = DBOS.registerWorkflow(async () => {
  let value = 0;
  for (let i = 0; i < 10; i++) {
    const before = value;
    value = await DBOS.runStep(() => Promise.resolve(before + 1), { name: "step" });
  }
  return value;
}, { name: "ten" });

DBOS.setConfig({ name: "bench", systemDatabaseUrl, logLevel: "error" });
await DBOS.launch();
await measure(() => ten(), rest);
await DBOS.shutdown();
