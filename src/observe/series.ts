/** What is known under a name with certain labels. */
export interface Series {
  labels: Record<string, string>;
  /** Of a histogram the sum of its values. */
  value: number;
  /** Of a histogram: values up to each of {@link bounds}, and all. */
  within: number[];
}

/** All series of a name. */
export interface Measure {
  name: string;
  type: "counter" | "gauge" | "histogram";
  series: Map<string, Series>;
}

/** Upper bounds by which histograms count, Prometheus' own, in whatever the values are. */
export const bounds: readonly number[] = [
  0.005,
  0.01,
  0.025,
  0.05,
  0.1,
  0.25,
  0.5,
  1,
  2.5,
  5,
  10,
  Infinity,
];

/** Series at most: labels often hold what users send. */
export const mostSeries = 10_000;
