/**
 * The same question answered a second time, in another language and another way: what must the
 * reports and the totals be for a file of flights? Nothing here is shared with the Lua code.
 */

/** What the file says of one airport. Sums of integers; `worst` is absent without departures. */
export interface Figures {
  departures: number;
  arrivals: number;
  delay: number;
  late: number;
  miles: number;
  worst?: number;
}

/** What the report of one batch must say. */
export interface Expected {
  flights: number;
  /** How many rows each rule turned away. */
  rejected: Map<string, number>;
  airports: Map<string, Figures>;
}

type Row = Record<string, unknown>;

/** Milliseconds of a date such as `2001/01/31 23:59`, or undefined when there is none. */
function instant(date: unknown): number | undefined {
  if (typeof date !== "string" || date.length !== 16) return undefined;
  const iso = `${date.replaceAll("/", "-").replace(" ", "T")}:00.000Z`;
  const time = Date.parse(iso);
  // A day that does not exist either fails to parse or comes back as another one.
  return !Number.isNaN(time) && new Date(time).toISOString() === iso ? time : undefined;
}

function isAirport(code: unknown): code is string {
  return typeof code === "string" && code.length === 3 &&
    [...code].every((c) => c >= "A" && c <= "Z");
}

function isWithin(value: unknown, low: number, high: number): value is number {
  return Number.isInteger(value) && (value as number) >= low && (value as number) <= high;
}

/** The rule that a row breaks, or undefined for a good one. */
function fault(row: Row): string | undefined {
  if (instant(row.date) === undefined) return "date";
  if (!isAirport(row.origin) || !isAirport(row.destination)) return "airport";
  if (row.origin === row.destination) return "circle";
  if (!isWithin(row.delay, -120, 1440)) return "delay";
  if (!isWithin(row.distance, 1, 6000)) return "distance";
  return undefined;
}

/** What the reports must be, by batch, for the rows of a file. */
export function expectedReports(rows: Row[]): Map<string, Expected> {
  const reports = new Map<string, Expected>();
  const known = new Set<string>();
  for (const row of rows) {
    const time = instant(row.date);
    const batch = time === undefined ? "undated" : new Date(time).toISOString().slice(0, 10);
    if (!reports.has(batch)) {
      reports.set(batch, { flights: 0, rejected: new Map(), airports: new Map() });
    }
    const report = reports.get(batch)!;
    const identity = JSON.stringify([
      row.date,
      row.origin,
      row.destination,
      row.delay,
      row.distance,
    ]);
    const rule = fault(row) ?? (known.has(identity) ? "duplicate" : undefined);
    if (rule) {
      report.rejected.set(rule, (report.rejected.get(rule) ?? 0) + 1);
      continue;
    }
    known.add(identity);
    report.flights++;
    addFlight(report.airports, row as never);
  }
  return reports;
}

function addFlight(
  airports: Map<string, Figures>,
  flight: { origin: string; destination: string; delay: number; distance: number },
): void {
  for (const code of [flight.origin, flight.destination]) {
    if (!airports.has(code)) {
      airports.set(code, { departures: 0, arrivals: 0, delay: 0, late: 0, miles: 0 });
    }
  }
  const origin = airports.get(flight.origin)!;
  origin.departures++;
  origin.delay += flight.delay;
  origin.late += flight.delay > 14 ? 1 : 0;
  origin.miles += flight.distance;
  origin.worst = Math.max(origin.worst ?? -Infinity, flight.delay);
  airports.get(flight.destination)!.arrivals++;
}

/** The sum of all reports: what the processes must hold. */
export function expectedTotals(reports: Map<string, Expected>): Map<string, Figures> {
  const totals = new Map<string, Figures>();
  for (const { airports } of reports.values()) {
    for (const [code, more] of airports) {
      const sum = totals.get(code) ?? { departures: 0, arrivals: 0, delay: 0, late: 0, miles: 0 };
      sum.departures += more.departures;
      sum.arrivals += more.arrivals;
      sum.delay += more.delay;
      sum.late += more.late;
      sum.miles += more.miles;
      if (more.worst !== undefined) sum.worst = Math.max(sum.worst ?? -Infinity, more.worst);
      totals.set(code, sum);
    }
  }
  return totals;
}

/** Says in words where `actual` differs from `expected`; an empty list means nowhere. */
export function compareFigures(
  place: string,
  expected: Map<string, Figures>,
  actual: Record<string, Figures>,
): string[] {
  const differences: string[] = [];
  for (const code of new Set([...expected.keys(), ...Object.keys(actual)])) {
    const want = expected.get(code);
    const have = actual[code];
    if (!want || !have) {
      differences.push(`${place}: ${code} is ${want ? "missing" : "there but must not be"}`);
      continue;
    }
    for (const figure of ["departures", "arrivals", "delay", "late", "miles", "worst"] as const) {
      if (want[figure] !== have[figure]) {
        differences.push(
          `${place}: ${figure} of ${code} is ${have[figure]}, must be ${want[figure]}`,
        );
      }
    }
  }
  return differences;
}
