import { expect, test } from "bun:test";
import { servePrometheus } from "../../src/admin/prometheus.ts";
import type { AdminTarget } from "../../src/admin/route.ts";
import { LogMemory } from "../../src/observe/log-memory.ts";
import { cleanAfterTest } from "../cleanup.ts";
import { until } from "../until.ts";
import { startWeb } from "./http/web.ts";
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

test("what servers count has the types of Prometheus", async () => {
  const router = { post_middleware: ["metrics"] };
  const { application, url } = await startWeb({ router, routes: { "GET /": `res:write("x")` } });
  const server = servePrometheus(target(application, { enabled: true, address: "127.0.0.1:0" }));
  cleanAfterTest(() => server!.close());
  await fetch(url);
  const shown = await until(async () => {
    const text = await (await fetch(`${server!.url}/metrics`)).text();
    return text.includes('status="200"} 1\n') && text;
  });
  const web = 'service="app:web"';
  expect(shown).toContain(
    "# TYPE wippy_http_requests_total counter\n" +
      `wippy_http_requests_total{${web},method="GET",route="app:e0",status="200"} 1\n`,
  );
  expect(shown).toContain("# TYPE wippy_http_requests_in_flight gauge\n");
  const seconds = "wippy_http_request_duration_seconds";
  expect(shown).toContain(`# TYPE ${seconds} histogram\n${seconds}_bucket{${web},le="0.005"} `);
  expect(shown).toContain(`${seconds}_bucket{${web},le="+Inf"} 1\n`);
  expect(shown).toContain(`\n${seconds}_count{${web}} 1\n`);
  expect(shown).not.toContain(`# TYPE ${seconds}_bucket`);
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

/** What `measures` has of calls: name, labels and value or, of a histogram, the number of values, sorted. */
function callsOf({ node }: TestApplication): string[] {
  return [...node.measures.all].flatMap(({ name, series }) =>
    [...series.values()].map(({ labels, value, within }) =>
      `${name.replace("wippy_function_", "")} ${Object.values(labels).join(" ")} ${
        within.at(-1) ?? value
      }`
    )
  ).sort();
}

const interceptor = { metrics: { interceptor: { enabled: true } } };

test("calls of functions are counted where the configuration says so", async () => {
  const application = await startApplication({
    config: interceptor,
    functions: {
      outer: {
        modules: ["funcs", "time"],
        source: main(`
          for _ = 1, 3 do assert(funcs.call("app:inner", "well")) end
          funcs.call("app:inner", "badly")
          local future = funcs.async("app:inner", "well")
          future:response():receive()
          return funcs.call("app:process")`),
      },
      inner:
        `return { main = function(how) if how == "badly" then error("no") end return how end }`,
      program: {
        modules: ["eval_runner", "funcs", "time"],
        source: `local eval_runner = require("eval_runner")\n` +
          main(`return eval_runner.run({ source = "return 5" })`),
      },
    },
    processes: {
      process: {
        source: "return { main = function() return 7 end }",
        method: "main",
        meta: { default_host: "app:processes" },
      },
    },
  }, { threads: true });
  expect(await application.call("outer")).toBe(7);
  expect(await application.call("program")).toBe(5);
  const wanted = [
    "calls app:inner error 1",
    "calls app:inner success 4",
    "calls app:outer success 1",
    "calls app:process success 1",
    "calls app:program success 1",
    "duration app:inner 5",
    "duration app:outer 1",
    "duration app:program 1",
    "in_flight app:inner 0",
    "in_flight app:outer 0",
    "in_flight app:program 0",
  ];
  await until(() => Promise.resolve(wanted.every((line) => callsOf(application).includes(line))));
});

test("calls in flight are shown, cancelled ones are errors, and those of a worker that dies are gone", async () => {
  const { application, read } = await served({
    config: interceptor,
    functions: {
      wait: {
        modules: ["funcs", "time"],
        source: main(`time.sleep("1h")`),
      },
      hurry: {
        modules: ["funcs", "time"],
        source: main(`return funcs.new():with_options({ timeout = 5 }):call("app:wait")`),
      },
    },
  });
  await application.call("hurry").catch(() => {});
  await until(() => Promise.resolve(callsOf(application).includes("calls app:wait error 1")));
  application.call("wait").catch(() => {});
  const shown = async (line: string) => (await read("/metrics")).text.includes(`${line}\n`);
  await until(() => shown('wippy_function_in_flight{function_id="app:wait"} 1'));
  application.node.killWorker(0);
  await until(() => shown('wippy_function_in_flight{function_id="app:wait"} 0'));
});

test("without that nothing is counted", async () => {
  const application = await startApplication({ functions: { inner: main("return 1") } });
  await application.call("inner");
  expect(callsOf(application)).toEqual([]);
});
