/**
 * Times and durations of expressions.
 * @module
 */
import { formatLayout, offsetAt, parseLayout } from "./layout.ts";
import { asFloat, asInteger, type Integer, type Numeric } from "./number.ts";

const second = 1_000_000_000n;
const units: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1_000n,
  "µs": 1_000n,
  "μs": 1_000n,
  ms: 1_000_000n,
  s: second,
  m: 60n * second,
  h: 3600n * second,
};

/** A span of time. */
export class DurationValue {
  /** Nanoseconds, in 64 bits. */
  readonly ns: Integer;

  constructor(ns: bigint) {
    this.ns = asInteger(ns);
  }

  /** Reads a duration as Go writes it, such as `1h30m`; undefined for a text that is none. */
  static parse(text: string): DurationValue | undefined {
    const sign = /^[+-]/.exec(text)?.[0] ?? "";
    const rest = text.slice(sign.length);
    if (rest === "0") return new DurationValue(0n);
    let total = 0n;
    const part = /(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)/y;
    if (rest === "") return undefined;
    while (part.lastIndex < rest.length) {
      const found = part.exec(rest);
      if (!found) return undefined;
      const [whole = "", fraction = ""] = found[1]!.split(".");
      const unit = units[found[2]!]!;
      total += BigInt(whole || "0") * unit;
      if (fraction) total += BigInt(fraction) * unit / 10n ** BigInt(fraction.length);
    }
    if (total >= 2n ** 63n) return undefined;
    return new DurationValue(sign === "-" ? -total : total);
  }

  /** As Go writes it: `1h30m0s`, `1.5ms`. */
  text(): string {
    const ns = BigInt(this.ns);
    if (ns === 0n) return "0s";
    const sign = ns < 0n ? "-" : "";
    const size = ns < 0n ? -ns : ns;
    for (const unit of ["ns", "µs", "ms"]) {
      if (size < units[unit]! * 1000n) return `${sign}${decimal(size, units[unit]!)}${unit}`;
    }
    const hours = size / units["h"]!;
    const minutes = (size / units["m"]!) % 60n;
    const head = hours > 0n ? `${hours}h${minutes}m` : minutes > 0n ? `${minutes}m` : "";
    return `${sign}${head}${decimal(size % units["m"]!, second)}s`;
  }

  method(name: string): Numeric | string | undefined {
    const ns = Number(this.ns);
    switch (name) {
      case "Hours":
        return asFloat(ns / 3.6e12);
      case "Minutes":
        return asFloat(ns / 6e10);
      case "Seconds":
        return asFloat(ns / 1e9);
      case "Milliseconds":
        return asInteger(BigInt(this.ns) / 1_000_000n);
      case "Microseconds":
        return asInteger(BigInt(this.ns) / 1_000n);
      case "Nanoseconds":
        return this.ns;
      case "String":
        return this.text();
      default:
        return undefined;
    }
  }
}

function decimal(value: bigint, unit: bigint): string {
  const fraction = value % unit;
  if (fraction === 0n) return String(value / unit);
  const digits = String(fraction).padStart(String(unit).length - 1, "0").replace(/0+$/, "");
  return `${value / unit}.${digits}`;
}

/** Formats that `date` tries in this order. */
const layouts = [
  "2006-01-02",
  "15:04:05",
  "2006-01-02 15:04:05",
  "2006-01-02T15:04:05Z07:00",
  "02 Jan 06 15:04 MST",
  "Monday, 02-Jan-06 15:04:05 MST",
  "Mon, 02 Jan 2006 15:04:05 MST",
];

/** A point in time, with the zone that its text is in. */
export class TimeValue {
  /**
   * @param ns nanoseconds since 1970
   * @param zone an IANA name, or minutes east of UTC
   */
  constructor(readonly ns: bigint, readonly zone: string | number = "UTC") {}

  /**
   * Reads a date.
   *
   * @param layout as Go's `time` has it; undefined: the usual ones
   * @returns undefined for a text that is none
   * @throws RangeError for a zone that is not known
   */
  static parse(text: string, layout?: string, zone = "UTC"): TimeValue | undefined {
    offsetAt(zone, 0);
    for (const each of layout === undefined ? layouts : [layout]) {
      const found = parseLayout(each, text, zone);
      if (found) return new TimeValue(found.ns, found.zone);
    }
    return undefined;
  }

  /** RFC 3339. */
  text(): string {
    return this.format("2006-01-02T15:04:05.999999999Z07:00");
  }

  format(layout: string): string {
    return formatLayout(layout, this.ns, this.zone);
  }

  add(ns: bigint): TimeValue {
    return new TimeValue(this.ns + ns, this.zone);
  }

  method(name: string): Numeric | string | undefined {
    const number = (layout: string) => Number(this.format(layout));
    switch (name) {
      case "Year":
        return number("2006");
      case "Month":
        return number("01");
      case "Day":
        return number("02");
      case "Hour":
        return number("15");
      case "Minute":
        return number("04");
      case "Second":
        return number("05");
      case "Nanosecond":
        return Number(((this.ns % second) + second) % second);
      case "YearDay":
        return number("002");
      case "Weekday":
        return this.format("Monday");
      case "Unix":
        return asInteger((this.ns - ((this.ns % second) + second) % second) / second);
      case "UnixMilli":
        return asInteger(this.ns / 1_000_000n);
      case "UnixNano":
        return asInteger(this.ns);
      case "String":
        return this.format("2006-01-02 15:04:05.999999999 -0700 MST");
      default:
        return undefined;
    }
  }
}
