/** Search attributes that the namespace does not have: at a start and in an upsert. */
import { describe, expect } from "bun:test";
import { pack, unpack } from "../../../src/vm/codec.ts";
import { refusal, type RuntimeOptions } from "../../conformance/runtime.ts";
import { withTemporal } from "../../temporal-server.ts";
import { until } from "../../until.ts";
import { onServer } from "./on-server.ts";

const taskQueues = onServer();
const { open, placeOn } = taskQueues;

const scripts: NonNullable<RuntimeOptions["scripts"]> = {
  "app:upsert": function* (run, name) {
    run.attributes({ [String(name)]: "north" });
    return yield run.signal();
  },
};

describe("a search attribute that the namespace does not have", () => {
  withTemporal("refuses a start, and holds a run up until it is added", async () => {
    const r = await open({ scripts }, placeOn("unknown"));
    const searchAttributes = pack({ unknown_at_start: "x" });
    const refused = await refusal(
      r.start("app:upsert", ["x"], { workflowId: "refused", searchAttributes }),
    );
    expect(refused).toMatchObject({ kind: "Invalid", retryable: false });
    expect(refused.message).toContain("--name unknown_at_start --type Keyword");
    await r.start("app:upsert", ["unknown_later"], { workflowId: "held-up" });
    const [report] = await until(() => r.reports.length > 0 && r.reports);
    expect(report!.message).toContain("a task of workflow held-up was lost and is tried again");
    expect(report!.message).toContain("--name unknown_later --type Keyword");
    const create = ["operator", "search-attribute", "create", "--name", "unknown_later"];
    await taskQueues.server.command(...create, "--type", "Keyword");
    await r.signal("held-up", "go");
    expect(await r.result("held-up")).toMatchObject({ name: "go" });
    const { searchAttributes: found } = (await r.provider.describe("held-up"))!;
    expect(unpack(found!)).toEqual({ unknown_later: "north" });
  }, 60_000);
});
