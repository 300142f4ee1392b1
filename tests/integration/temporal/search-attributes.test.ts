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
  "app:parent": function* (run, name, value) {
    run.issue({
      type: "start_child",
      seq: 1,
      entry: "app:child",
      hostId: "app:workflows",
      workflowId: `child-${name}`,
      args: [],
      options: {},
      searchAttributes: { [String(name)]: value! },
    });
    return yield run.signal();
  },
  "app:child": function* (run) {
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

  withTemporal("is added for an upsert, a child and a start, where that is wanted", async () => {
    const r = await open({ scripts }, placeOn("adding", { addSearchAttributes: true }));
    const searchAttributes = pack({ by_start: true });
    await r.start("app:upsert", ["by_upsert"], { workflowId: "by-start", searchAttributes });
    await r.start("app:parent", ["by_child", "x"], { workflowId: "by-parent" });
    const of = async (id: string) => {
      const { searchAttributes: found } = await r.provider.describe(id) ?? {};
      return found && unpack(found);
    };
    const both = { by_start: true, by_upsert: "north" };
    await until(async () => Bun.deepEquals(await of("by-start"), both));
    await until(async () => Bun.deepEquals(await of("child-by_child"), { by_child: "x" }));
    for (const id of ["by-start", "by-parent"]) {
      await r.signal(id, "go");
      expect(await r.result(id)).toMatchObject({ name: "go" });
    }
  }, 60_000);

  withTemporal("that cannot be added is reported with the server's reason", async () => {
    const r = await open({ scripts }, placeOn("refused", { addSearchAttributes: true }));
    // The server has room for three numbers with a point.
    for (const name of ["n1", "n2", "n3"]) {
      const create = ["operator", "search-attribute", "create", "--name", name];
      await taskQueues.server.command(...create, "--type", "Double");
    }
    await r.start("app:parent", ["n4", 0.5], { workflowId: "too-many" });
    const [report] = await until(() => r.reports.length > 0 && r.reports);
    expect(report!.message).toContain("search attribute n4");
    expect(report!.message).toContain("cannot have more than 3 search attribute of type Double");
    await r.provider.terminate("too-many", {});
  }, 60_000);
});
