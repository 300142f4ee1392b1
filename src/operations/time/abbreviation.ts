/**
 * Locales whose English names the abbreviations of their own regions: CET in en-GB, AEST in en-AU.
 */
const locales = ["en-US", "en-GB", "en-CA", "en-AU", "en-IN", "en-ZA", "en-NZ"];

/** Zones whose usual abbreviations no locale knows: standard and daylight saving time. */
const known: Readonly<Record<string, readonly [string, string?]>> = {
  "Asia/Hong_Kong": ["HKT"],
  "Asia/Jakarta": ["WIB"],
  "Asia/Jerusalem": ["IST", "IDT"],
  "Asia/Karachi": ["PKT"],
  "Asia/Manila": ["PST"],
  "Asia/Seoul": ["KST"],
  "Asia/Shanghai": ["CST"],
  "Asia/Taipei": ["CST"],
  "Asia/Tokyo": ["JST"],
  "Europe/Moscow": ["MSK"],
};

const formats = new Map<string, Intl.DateTimeFormat>();

function short(locale: string, zone: string, milliseconds: number): string {
  const key = `${locale} ${zone}`;
  let format = formats.get(key);
  if (format === undefined) {
    format = new Intl.DateTimeFormat(locale, { timeZone: zone, timeZoneName: "short" });
    formats.set(key, format);
  }
  const parts = format.formatToParts(milliseconds);
  return parts.find((part) => part.type === "timeZoneName")?.value ?? "";
}

/** "+03" or "+0530", as the IANA data base names what has no abbreviation. */
function numeric(at: Temporal.ZonedDateTime): string {
  const minutes = Math.trunc(at.offsetNanoseconds / 60e9);
  const digits = (value: number) => String(Math.abs(value)).padStart(2, "0");
  const rest = minutes % 60;
  const hours = digits(Math.trunc(minutes / 60));
  return `${minutes < 0 ? "-" : "+"}${hours}${rest === 0 ? "" : digits(rest)}`;
}

/** The abbreviation that a zone goes by at an instant: EST, CEST, UTC, +03. */
export function abbreviation(at: Temporal.ZonedDateTime): string {
  const zone = at.timeZoneId;
  const names = known[zone];
  if (names !== undefined) {
    const standard = Math.min(
      at.with({ month: 1, day: 1 }).offsetNanoseconds,
      at.with({ month: 7, day: 1 }).offsetNanoseconds,
    );
    return (at.offsetNanoseconds > standard ? names[1] : undefined) ?? names[0];
  }
  for (const locale of locales) {
    const name = short(locale, zone, at.epochMilliseconds);
    if (/^[A-Z]{2,5}$/.test(name)) return name;
  }
  return numeric(at);
}
