import { expect, test } from "bun:test";
import { servePrometheus } from "../../src/admin/prometheus.ts";
import type { AdminTarget } from "../../src/admin/route.ts";
import { LogMemory } from "../../src/observe/log-memory.ts";
import { cleanAfterTest } from "../cleanup.ts";
import { until } from "../until.ts";
import { main, type Sources, startApplication, type TestApplication } from "./application.ts";

const counting = { modules: ["metrics", "time", "funcs"] };

function target(application: TestApplication, prometheus: unknown): AdminTarget {
  const log = {
    log: (record: (typeof application.logs)[number]) => void application.logs.push(record),
  };
  return {
    node: application.node,
    logs: new LogMemory(log),
    version: "test",
    directory: ".",
    startedAt: Date.now(),
    config: { prometheus },
    stop: () => {},
  };
}

/** Runs an application with a metrics server, and returns what reads a page of that. */
async function served(
  sources: Sources,
  prometheus: unknown = { enabled: true, address: "127.0.0.1:0" },
) {
  const application = await startApplication(sources, { threads: true });
  const server = servePrometheus(target(application, prometheus));
  if (server) cleanAfterTest(() => server.close());
  const read = async (path: string, method = "GET") => {
    const response = await fetch(`${server!.url}${path}`, { method });
    return { status: response.status, text: await response.text() };
  };
  return { application, server, read };
}

test("what functions measure is served", async () => {
  const source = main(`
    metrics.counter_inc("orders", { country = "ch", items = 3 })
    metrics.counter_add("orders", 2, { country = "ch" })
    metrics.counter_inc("orders", { "none" })
    metrics.gauge_set("length", 2.5)
    metrics.gauge_dec("length")
    metrics.histogram("seconds", 0.07, { a = 'q"\\n' })
    metrics.histogram("seconds", 20, { a = 'q"\\n' })
    return metrics.gauge_set("wippy_info", 5)`);
  const { application, read } = await served({
    functions: { count: { ...counting, source: `local metrics = require("metrics")\n${source}` } },
  });
  expect(await application.call("count")).toBe(true);
  const shown = await until(async () => {
    const { text } = await read("/metrics");
    return text.includes("orders") && text;
  });
  expect(shown).toContain("# TYPE orders counter\n");
  expect(shown).toContain('orders{country="ch"} 3\norders 1\n');
  expect(shown).toContain("# TYPE length gauge\nlength 1.5\n");
  expect(shown).toContain("# TYPE seconds histogram\n");
  const label = 'a="q\\"\\n"';
  expect(shown).toContain(`seconds_bucket{${label},le="0.05"} 0\n`);
  expect(shown).toContain(`seconds_bucket{${label},le="0.1"} 1\n`);
  expect(shown).toContain(`seconds_bucket{${label},le="+Inf"} 2\n`);
  expect(shown).toContain(`seconds_sum{${label}} 20.07\nseconds_count{${label}} 2\n`);
  expect(shown).toContain('wippy_info{version="test"} 1\n');
  expect(shown.match(/^wippy_info/gm)).toHaveLength(1);
});

test("with the buffer full samples are dropped and counted, and it takes more when they have gone", async () => {
  const source = `local metrics = require("metrics")\n` +
    main(`for _ = 1, ... do metrics.counter_inc("n") end return true`);
  const { application } = await served({
    config: { metrics: { buffer: { size: 50 } } },
    functions: { count: { ...counting, source } },
  });
  const { measures } = application.node;
  const counted = () => [...measures.all][0]?.series.get("{}")?.value ?? 0;
  await application.call("count", 80);
  await until(() => Promise.resolve(counted() === 50 && measures.dropped === 30));
  await application.call("count", 20);
  await until(() => Promise.resolve(counted() === 70));
  expect(measures.dropped).toBe(30);
});

test("/livez names what does not run, and other paths are not there", async () => {
  const { application, read } = await served({
    entries: {
      cron: {
        kind: "process.service",
        process: "app:fails",
        host: "app:processes",
        lifecycle: { auto_start: true, restart: { initial_delay: "1h" } },
      },
    },
    processes: { fails: 'return { main = function() error("no") end }' },
  });
  const failing = await until(async () => {
    const answer = await read("/livez");
    return answer.status === 503 && answer.text;
  });
  expect(failing).toStartWith("service app:cron: ");
  expect((await read("/")).status).toBe(404);
  expect((await read("/metrics", "POST")).status).toBe(405);
  await application.stop();
});

test("/livez is fine while everything runs", async () => {
  const { read } = await served({});
  expect(await read("/livez")).toEqual({ status: 200, text: "ok\n" });
});

test("a server that cannot listen is an error in the log; without an address there is none", async () => {
  const { application, server } = await served({});
  const { port } = new URL(server!.url);
  const refused = (prometheus: unknown) => {
    expect(servePrometheus(target(application, prometheus))).toBeUndefined();
    return application.logs.filter(({ level }) => level === "error").map(({ message }) => message);
  };
  expect(refused({ address: "127.0.0.1:0" })).toEqual([]);
  expect(refused({ enabled: true })).toEqual([]);
  expect(refused({ enabled: true, address: "here" }))
    .toEqual(["prometheus.address is not an address; write host:port or :port"]);
  expect(refused({ enabled: true, address: `127.0.0.1:${port}` })[1])
    .toStartWith("the metrics server cannot listen: ");
});
