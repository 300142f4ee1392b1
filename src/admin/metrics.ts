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
    const example = { name, help: "None", registers: [] };
    const { type: written } = await new kinds[type](example).get();
    return { ...await super.get(), type: written, values };
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

/** What services count themselves: which figures there are is known only while they run. */
function serviceFigures(control: Control, registry: Registry): () => void {
  const gauges = new Map<string, Gauge>();
  return () => {
    for (const gauge of gauges.values()) gauge.reset();
    for (const { name, help, value, service, labels = {} } of control.figures) {
      const all = { service, ...labels };
      let gauge = gauges.get(name);
      if (gauge === undefined) {
        gauge = new Gauge({ name, help, labelNames: Object.keys(all), registers: [registry] });
        gauges.set(name, gauge);
      }
      gauge.set(all, value);
    }
  };
}
