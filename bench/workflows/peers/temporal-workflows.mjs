/** The workflow of ten steps for Temporal, in a file of its own: the worker bundles it. */
import { proxyActivities, proxyLocalActivities } from "@temporalio/workflow";

const { step } = proxyActivities({ startToCloseTimeout: "1 minute" });
const local = proxyLocalActivities({ startToCloseTimeout: "1 minute" });

export async function ten() {
  let value = 0;
  for (let i = 0; i < 10; i++) value = await step(value);
  return value;
}

export async function tenLocal() {
  let value = 0;
  for (let i = 0; i < 10; i++) value = await local.step(value);
  return value;
}
