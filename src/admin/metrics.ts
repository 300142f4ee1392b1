import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from "prom-client";
import type { Control } from "../node/control.ts";
import { bounds, type Measure } from "../observe/series.ts";
import type { Measures } from "../observe/measures.ts";
import type { AdminTarget } from "./route.ts";

const states = ["unknown", "starting", "running", "stopping", "stopped", "exited", "failed"];

/** What a scrape answers. */
export interface Metrics {
  contentType: string;
  metrics(): Promise<string>;
}

/** Figures of a runtime for Prometheus. They are read when somebody asks, and cost nothing else. */
export function createMetrics({ node, version, startedAt }: AdminTarget): Metrics {
  const registers = [new Registry()];
  const gauge = (
    name: string,
    help: string,
    labelNames: string[],
    read: (gauge: Gauge<string>) => void,
  ) =>
    new Gauge({
      name,
      help,
      labelNames,
      registers,
      collect() {
        this.reset();
        read(this);
      },
    });
  gauge("wippy_info", "Version of the runtime", ["version"], (info) => info.set({ version }, 1));
  gauge(
    "wippy_start_time_seconds",
    "When the runtime started, in seconds since 1970",
    [],
    (time) => time.set(startedAt / 1000),
  );
  gauge("wippy_units", "Units alive on a worker", ["worker"], (units) => {
    for (const { index, units: alive } of node.control.workers) {
      units.set({ worker: String(index) }, alive);
    }
  });
  gauge("wippy_services", "Services in a state", ["state"], (services) => {
    for (const state of states) services.set({ state }, 0);
    for (const { status } of node.control.services) services.inc({ state: status });
  });
  gauge("wippy_service_restarts", "Restarts since it last ran stably", ["service"], (restarts) => {
    for (const { id, retry_count: count } of node.control.services) {
      restarts.set({ service: id }, count);
    }
  });
  gauge("wippy_journal_bytes", "Size of a journal with its log", ["host"], (sizes) => {
    for (const { host, bytes, log } of node.workflows.journals) sizes.set({ host }, bytes + log);
  });
  gauge("wippy_registry_entries", "Entries of the application", [], (entries) => {
    entries.set(node.registry.versions.entries.size);
  });
  const [registry] = registers as [Registry];
  collectDefaultMetrics({ register: registry });
  gauge("wippy_metrics_dropped", "Samples of the application that were dropped", [], (count) => {
    count.set(node.measures.dropped);
  });
  const readServices = serviceFigures(node.control, registry);
  return {
    contentType: registry.contentType,
    async metrics() {
      readServices();
      const own = await registry.metrics();
      return `${own}\n${await applicationMetrics(node.measures, registry)}`;
    },
  };
}

/** Which of prom-client's metrics know the word for a type. */
const kinds = { counter: Counter, gauge: Gauge, histogram: Histogram };

/** prom-client's word for a type. */
async function written(type: Measure["type"]): Promise<Awaited<ReturnType<Gauge["get"]>>["type"]> {
  return (await new kinds[type]({ name: "example", help: "None", registers: [] }).get()).type;
}

/** A measure of the application. Each series has labels of its own, which a gauge of prom-client would refuse. */
class ApplicationMetric extends Gauge {
  readonly #measure: Measure;

  constructor(measure: Measure, register: Registry) {
    super({ name: measure.name, help: "Measured by the application", registers: [register] });
    this.#measure = measure;
  }

  override async get(): ReturnType<Gauge["get"]> {
    const { name, type, series } = this.#measure;
    const values = [...series.values()].flatMap(({ labels, value, within }) => {
      if (type !== "histogram") return [{ labels, value }];
      const buckets = within.map((count, index) => ({
        metricName: `${name}_bucket`,
        labels: { ...labels, le: bounds[index] === Infinity ? "+Inf" : String(bounds[index]) },
        value: count,
      }));
      return [
        ...buckets,
        { metricName: `${name}_sum`, labels, value },
        { metricName: `${name}_count`, labels, value: within.at(-1)! },
      ];
    });
    return { ...await super.get(), type: await written(type), values };
  }
}

/** What the application has measured, but what has the name of a metric of the runtime. */
async function applicationMetrics(measures: Measures, runtime: Registry): Promise<string> {
  const registry = new Registry();
  for (const measure of measures.all) {
    if (!runtime.getSingleMetric(measure.name)) new ApplicationMetric(measure, registry);
  }
  return await registry.metrics();
}

/** The metric that a figure is part of, and its type: names say it, as those of Prometheus do. */
function metricOf(name: string, names: ReadonlySet<string>): [name: string, type: Measure["type"]] {
  const [, base = "", part] = /^(.*)_(bucket|sum|count)$/.exec(name) ?? [];
  if (part !== undefined && names.has(`${base}_bucket`)) return [base, "histogram"];
  return [name, name.endsWith("_total") ? "counter" : "gauge"];
}

/** Figures of services under one name. */
class ServiceMetric extends Gauge {
  readonly #type: Measure["type"];
  values: Awaited<ReturnType<Gauge["get"]>>["values"] = [];

  constructor(name: string, help: string, type: Measure["type"], register: Registry) {
    super({ name, help, registers: [register] });
    this.#type = type;
  }

  override async get(): ReturnType<Gauge["get"]> {
    return { ...await super.get(), type: await written(this.#type), values: this.values };
  }
}

/** What services count themselves: which figures there are is known only while they run. */
function serviceFigures(control: Control, registry: Registry): () => void {
  const metrics = new Map<string, ServiceMetric>();
  return () => {
    for (const metric of metrics.values()) metric.values = [];
    const { figures } = control;
    const names = new Set(figures.map(({ name }) => name));
    for (const { name: metricName, help, value, service, labels = {} } of figures) {
      const [name, type] = metricOf(metricName, names);
      let metric = metrics.get(name);
      if (metric === undefined) {
        metric = new ServiceMetric(name, help, type, registry);
        metrics.set(name, metric);
      }
      const series = { metricName, labels: { service, ...labels }, value };
      metric.values.push(series);
    }
  };
}
