import type { Figure } from "../service.ts";

interface Meter {
  labels: Record<string, string>;
  count: number;
}

/** Upper bounds of the durations that are counted apart, in seconds. */
const bounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, Infinity];

/** What was counted, for another thread. */
export interface Counted {
  requests: Meter[];
  running: Meter[];
  within: number[];
  seconds: number;
  finished: number;
}

/** What a server counts of its requests. */
export class Meters {
  readonly #requests = new Map<string, Meter>();
  readonly #running = new Map<string, Meter>();
  /** Requests that took at most so long, by bound. */
  readonly #within = bounds.map(() => 0);
  #seconds = 0;
  #finished = 0;
  readonly #changed: () => void;

  /** @param changed called when something was counted */
  constructor(changed: () => void = () => {}) {
    this.#changed = changed;
  }

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
    this.#changed();
    return (status) => {
      Meters.#add(this.#running, { method, route }, -1);
      Meters.#add(this.#requests, { method, route, status: String(status) }, 1);
      const seconds = (now() - since) / 1000;
      for (const [index, bound] of bounds.entries()) {
        if (seconds <= bound) this.#within[index] = this.#within[index]! + 1;
      }
      this.#seconds += seconds;
      this.#finished += 1;
      this.#changed();
    };
  }

  /** All that was counted. */
  get counted(): Counted {
    return {
      requests: [...this.#requests.values()],
      running: [...this.#running.values()],
      within: this.#within,
      seconds: this.#seconds,
      finished: this.#finished,
    };
  }

  /** Takes over what another one has counted, in the place of what it had before. */
  replace(counted: Counted): void {
    this.#requests.clear();
    this.#running.clear();
    this.#within.fill(0);
    [this.#seconds, this.#finished] = [0, 0];
    this.add(counted);
  }

  /** Sets the number of requests in flight to zero. */
  stopped(): void {
    this.#running.clear();
  }

  /** Adds what another one has counted. */
  add({ requests, running, within, seconds, finished }: Counted): void {
    for (const { labels, count } of requests) Meters.#add(this.#requests, labels, count);
    for (const { labels, count } of running) Meters.#add(this.#running, labels, count);
    for (const [index, count] of within.entries()) this.#within[index]! += count;
    this.#seconds += seconds;
    this.#finished += finished;
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
        help: "Seconds that requests took.",
        labels: { le: bound === Infinity ? "+Inf" : String(bound) },
        value: this.#within[index]!,
      })),
      {
        name: "wippy_http_request_duration_seconds_sum",
        help: "Seconds that requests took.",
        value: this.#seconds,
      },
      {
        name: "wippy_http_request_duration_seconds_count",
        help: "Seconds that requests took.",
        value: this.#finished,
      },
    ];
  }
}
