/**
 * Times as texts, by layouts of Go's `time`: the text of Monday, January 2, 15:04:05 of 2006 in the wanted form.
 * @module
 */

const parts = new RegExp(
  "January|Jan|Monday|Mon|MST|2006|-07:00|-0700|-07|Z07:00|Z0700|002|01|02|03|04|05|06|_2|15|PM|pm|" +
    "[.,]0+(?!\\d)|[.,]9+(?!\\d)|[1-5]",
  "g",
);

const months = [
  "January",
  "February",
  "March",
  "April",
  "May",
  "June",
  "July",
  "August",
  "September",
  "October",
  "November",
  "December",
];
const days = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

const zones = new Map<string, Intl.DateTimeFormat>();

/**
 * Minutes by which a zone is ahead of UTC.
 *
 * @param ms milliseconds since 1970
 * @throws RangeError for a zone that is not known
 */
export function offsetAt(zone: string | number, ms: number): number {
  if (typeof zone === "number") return zone;
  if (zone === "UTC" || zone === "") return 0;
  let format = zones.get(zone);
  if (!format) {
    format = new Intl.DateTimeFormat("en-US", { timeZone: zone, timeZoneName: "longOffset" });
    zones.set(zone, format);
  }
  const name = format.formatToParts(ms).find(({ type }) => type === "timeZoneName")?.value ?? "";
  const found = /([+-])(\d\d):(\d\d)/.exec(name);
  if (!found) return 0;
  return (found[1] === "-" ? -1 : 1) * (Number(found[2]) * 60 + Number(found[3]));
}

/** A time as text. */
export function formatLayout(layout: string, ns: bigint, zone: string | number): string {
  const fraction = ((ns % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n;
  const ms = Number((ns - fraction) / 1_000_000n);
  const offset = offsetAt(zone, ms);
  const local = new Date(ms + offset * 60_000);
  const two = (value: number) => String(value).padStart(2, "0");
  const hour = local.getUTCHours() % 12 || 12;
  const month = months[local.getUTCMonth()]!;
  const day = days[local.getUTCDay()]!;
  const shift = (colon: string) => {
    const size = Math.abs(offset);
    return `${offset < 0 ? "-" : "+"}${two(Math.floor(size / 60))}${colon}${two(size % 60)}`;
  };
  const written: Readonly<Record<string, () => string>> = {
    "January": () => month,
    "Jan": () => month.slice(0, 3),
    "Monday": () => day,
    "Mon": () => day.slice(0, 3),
    "MST": () => (offset === 0 ? "UTC" : shift("").replace(/00$/, "")),
    "2006": () => String(local.getUTCFullYear()).padStart(4, "0"),
    "06": () => two(local.getUTCFullYear() % 100),
    "01": () => two(local.getUTCMonth() + 1),
    "1": () => String(local.getUTCMonth() + 1),
    "002": () => {
      const begin = Date.UTC(local.getUTCFullYear(), 0, 1);
      return String(Math.floor((local.getTime() - begin) / 86_400_000) + 1).padStart(3, "0");
    },
    "02": () => two(local.getUTCDate()),
    "_2": () => String(local.getUTCDate()).padStart(2, " "),
    "2": () => String(local.getUTCDate()),
    "15": () => two(local.getUTCHours()),
    "03": () => two(hour),
    "3": () => String(hour),
    "04": () => two(local.getUTCMinutes()),
    "4": () => String(local.getUTCMinutes()),
    "05": () => two(local.getUTCSeconds()),
    "5": () => String(local.getUTCSeconds()),
    "PM": () => (local.getUTCHours() < 12 ? "AM" : "PM"),
    "pm": () => (local.getUTCHours() < 12 ? "am" : "pm"),
    "-07:00": () => shift(":"),
    "-0700": () => shift(""),
    "-07": () => shift("").slice(0, 3),
    "Z07:00": () => (offset === 0 ? "Z" : shift(":")),
    "Z0700": () => (offset === 0 ? "Z" : shift("")),
  };
  return layout.replace(parts, (part) => {
    const write = written[part];
    if (write) return write();
    const digits = String(fraction).padStart(9, "0").slice(0, part.length - 1);
    if (part[1] === "0") return part[0] + digits;
    const shown = digits.replace(/0+$/, "");
    return shown === "" ? "" : part[0] + shown;
  });
}

const patterns: Readonly<Record<string, string>> = {
  "January": months.join("|"),
  "Jan": months.map((name) => name.slice(0, 3)).join("|"),
  "Monday": days.join("|"),
  "Mon": days.map((name) => name.slice(0, 3)).join("|"),
  "MST": "[A-Z]{3,5}|[+-]\\d\\d",
  "2006": "\\d{4}",
  "002": "\\d{3}",
  "_2": " ?\\d{1,2}",
  "1": "\\d{1,2}",
  "2": "\\d{1,2}",
  "3": "\\d{1,2}",
  "4": "\\d{1,2}",
  "5": "\\d{1,2}",
  "15": "\\d{1,2}",
  "PM": "AM|PM",
  "pm": "am|pm",
  "-07:00": "[+-]\\d\\d:\\d\\d",
  "-0700": "[+-]\\d{4}",
  "-07": "[+-]\\d\\d",
  "Z07:00": "Z|[+-]\\d\\d:\\d\\d",
  "Z0700": "Z|[+-]\\d{4}",
};

const mostParts = 16;

interface Fields {
  year: number;
  month: number;
  day: number;
  yearDay?: number;
  hour: number;
  minute: number;
  second: number;
  ns: bigint;
  afternoon?: boolean;
  offset?: number;
}

function put(fields: Fields, part: string, text: string): void {
  const value = Number(text);
  switch (part) {
    case "January":
    case "Jan":
      fields.month = months.findIndex((name) => name.startsWith(text)) + 1;
      break;
    case "2006":
      fields.year = value;
      break;
    case "06":
      fields.year = value + (value < 69 ? 2000 : 1900);
      break;
    case "01":
    case "1":
      fields.month = value;
      break;
    case "002":
      fields.yearDay = value;
      break;
    case "02":
    case "_2":
    case "2":
      fields.day = value;
      break;
    case "15":
    case "03":
    case "3":
      fields.hour = value;
      break;
    case "04":
    case "4":
      fields.minute = value;
      break;
    case "05":
    case "5":
      fields.second = value;
      break;
    case "PM":
    case "pm":
      fields.afternoon = text.toLowerCase() === "pm";
      break;
    case "MST":
      if (text === "UTC" || text === "GMT") fields.offset = 0;
      break;
    case "Monday":
    case "Mon":
      break;
    default:
      if (/^[.,]/.test(part)) fields.ns = BigInt(text.slice(1).padEnd(9, "0").slice(0, 9));
      else if (text === "Z") fields.offset = 0;
      else {
        const digits = text.replace(":", "");
        const size = Number(digits.slice(1, 3)) * 60 + Number(digits.slice(3, 5) || "0");
        fields.offset = digits[0] === "-" ? -size : size;
      }
  }
}

/**
 * Reads a time as a layout writes it.
 *
 * @param zone of texts that name none
 * @returns nanoseconds since 1970 and the zone; undefined for another text
 */
export function parseLayout(
  layout: string,
  text: string,
  zone: string,
): { ns: bigint; zone: string | number } | undefined {
  const order: string[] = [];
  let pattern = "";
  let at = 0;
  const quoted = (literal: string) => literal.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  for (const found of layout.matchAll(parts)) {
    const part = found[0];
    pattern += quoted(layout.slice(at, found.index));
    at = found.index + part.length;
    order.push(part);
    const optional = /^[.,]9/.test(part);
    const digits = /^[.,]/.test(part)
      ? (optional ? "[.,]\\d{1,9}" : `[.,]\\d{${part.length - 1}}`)
      : undefined;
    pattern += `(${digits ?? patterns[part] ?? "\\d{2}"})${optional ? "?" : ""}`;
    // A fraction may follow the seconds where the layout has none.
    if ((part === "05" || part === "5") && !/^[.,][09]/.test(layout.slice(at))) {
      order.push(".9");
      pattern += "([.,]\\d{1,9})?";
    }
  }
  // Neighbours without a sign between them can be told apart in many ways.
  if (order.length > mostParts) return undefined;
  const match = new RegExp(`^${pattern}${quoted(layout.slice(at))}$`).exec(text);
  if (!match) return undefined;
  const fields: Fields = { year: 0, month: 1, day: 1, hour: 0, minute: 0, second: 0, ns: 0n };
  order.forEach((part, index) => {
    const found = match[index + 1];
    if (found !== undefined) put(fields, part, found.trim());
  });
  return instant(fields, zone);
}

function instant(fields: Fields, zone: string): { ns: bigint; zone: string | number } | undefined {
  const { year, month, day, yearDay, minute, second, afternoon, offset } = fields;
  let { hour } = fields;
  if (afternoon !== undefined) hour = (hour % 12) + (afternoon ? 12 : 0);
  if (month < 1 || month > 12 || hour > 23 || minute > 59 || second > 59) return undefined;
  const date = new Date(0);
  date.setUTCFullYear(year, yearDay === undefined ? month - 1 : 0, yearDay ?? day);
  // A day that the month does not have has moved to the next one.
  if (yearDay === undefined && date.getUTCMonth() !== month - 1) return undefined;
  const local = date.getTime() + ((hour * 60 + minute) * 60 + second) * 1000;
  const shift = offset ?? offsetAt(zone, local - offsetAt(zone, local) * 60_000);
  const ns = BigInt(local - shift * 60_000) * 1_000_000n + fields.ns;
  return { ns, zone: offset === undefined ? zone : offset === 0 ? "UTC" : offset };
}
