import type { Figure } from "../service.ts";

interface Meter {
  labels: Record<string, string>;
  count: number;
}

/** Upper bounds of the durations that are counted apart, in seconds. */
const bounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, Infinity];

/** What a server counts of its requests. */
export class Meters {
  readonly #requests = new Map<string, Meter>();
  readonly #running = new Map<string, Meter>();
  /** Requests that took at most so long, by bound. */
  readonly #within = bounds.map(() => 0);
  #seconds = 0;
  #finished = 0;

  static #add(meters: Map<string, Meter>, labels: Record<string, string>, count: number): void {
    const key = Object.values(labels).join("\0");
    const meter = meters.get(key) ?? { labels, count: 0 };
    meter.count += count;
    meters.set(key, meter);
  }

  /** A request begins. Returns what is called with its status at its end. */
  begin(method: string, route: string, now: () => number): (status: number) => void {
    const since = now();
    Meters.#add(this.#running, { method, route }, 1);
    return (status) => {
      Meters.#add(this.#running, { method, route }, -1);
      Meters.#add(this.#requests, { method, route, status: String(status) }, 1);
      const seconds = (now() - since) / 1000;
      for (const [index, bound] of bounds.entries()) {
        if (seconds <= bound) this.#within[index] = this.#within[index]! + 1;
      }
      this.#seconds += seconds;
      this.#finished += 1;
    };
  }

  /** Numbers for the metrics. */
  figures(): Figure[] {
    const of = (name: string, help: string, meters: Map<string, Meter>): Figure[] =>
      [...meters.values()].map(({ labels, count }) => ({ name, help, labels, value: count }));
    return [
      ...of("wippy_http_requests_total", "Requests that were served.", this.#requests),
      ...of("wippy_http_requests_in_flight", "Requests that are being served.", this.#running),
      ...bounds.map((bound, index) => ({
        name: "wippy_http_request_duration_seconds_bucket",
        help: "Requests that took at most so long.",
        labels: { le: bound === Infinity ? "+Inf" : String(bound) },
        value: this.#within[index]!,
      })),
      {
        name: "wippy_http_request_duration_seconds_sum",
        help: "Seconds that requests took, all together.",
        value: this.#seconds,
      },
      {
        name: "wippy_http_request_duration_seconds_count",
        help: "Requests whose duration was added up.",
        value: this.#finished,
      },
    ];
  }
}
