import type { Heap } from "./heap.ts";

const DAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const MONTHS = [
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

/** C's struct tm: a moment in broken-down form, `year` since 1900, `month` and `yearDay` from 0. */
interface BrokenDown {
  second: number;
  minute: number;
  hour: number;
  day: number;
  month: number;
  year: number;
  weekDay: number;
  yearDay: number;
}

function breakDown(seconds: number): BrokenDown {
  const date = new Date(seconds * 1000);
  const newYear = Date.UTC(date.getUTCFullYear(), 0, 1);
  return {
    second: date.getUTCSeconds(),
    minute: date.getUTCMinutes(),
    hour: date.getUTCHours(),
    day: date.getUTCDate(),
    month: date.getUTCMonth(),
    year: date.getUTCFullYear() - 1900,
    weekDay: date.getUTCDay(),
    yearDay: Math.floor((date.getTime() - newYear) / 86_400_000),
  };
}

function readTm(heap: Heap, address: number): BrokenDown {
  const at = address >> 2;
  const [second, minute, hour, day, month, year, weekDay, yearDay] = heap.i32.subarray(at, at + 8);
  return {
    second: second!,
    minute: minute!,
    hour: hour!,
    day: day!,
    month: month!,
    year: year!,
    weekDay: weekDay!,
    yearDay: yearDay!,
  };
}

/** Writes the moment `seconds` since the epoch, in UTC, as a struct tm. */
export function writeTm(heap: Heap, seconds: number, address: number): void {
  const tm = breakDown(seconds);
  const dst = 0;
  const offset = 0;
  heap.i32.set(
    [
      tm.second,
      tm.minute,
      tm.hour,
      tm.day,
      tm.month,
      tm.year,
      tm.weekDay,
      tm.yearDay,
      dst,
      offset,
    ],
    address >> 2,
  );
}

/** C's mktime in UTC: seconds since the epoch of a struct tm, which is normalized in place. */
export function makeTime(heap: Heap, address: number): number {
  const tm = readTm(heap, address);
  // Date.UTC takes the years 0 to 99 for 1900 to 1999.
  const date = new Date(0);
  date.setUTCFullYear(tm.year + 1900, tm.month, tm.day);
  date.setUTCHours(tm.hour, tm.minute, tm.second);
  const seconds = Math.floor(date.getTime() / 1000);
  if (!Number.isFinite(seconds)) return -1;
  writeTm(heap, seconds, address);
  return seconds;
}

const pad = (value: number, width = 2, fill = "0") => String(value).padStart(width, fill);

/** Day of ISO 8601's week year: the year and the number of the week. */
function isoWeek(tm: BrokenDown): { year: number; week: number } {
  // The week belongs to the year of its Thursday.
  const thursday = tm.yearDay - ((tm.weekDay + 6) % 7) + 3;
  const at = new Date(Date.UTC(2000, 0, 1));
  at.setUTCFullYear(tm.year + 1900, 0, 1 + thursday);
  const year = at.getUTCFullYear();
  const first = new Date(Date.UTC(2000, 0, 1));
  first.setUTCFullYear(year, 0, 1);
  return { year, week: Math.floor((at.getTime() - first.getTime()) / 604_800_000) + 1 };
}

const CONVERSIONS: Readonly<Record<string, (tm: BrokenDown) => string>> = {
  a: (tm) => DAYS[tm.weekDay]?.slice(0, 3) ?? "?",
  A: (tm) => DAYS[tm.weekDay] ?? "?",
  b: (tm) => MONTHS[tm.month]?.slice(0, 3) ?? "?",
  B: (tm) => MONTHS[tm.month] ?? "?",
  c: (tm) => format("%a %b %e %H:%M:%S %Y", tm),
  C: (tm) => pad(Math.floor((tm.year + 1900) / 100)),
  d: (tm) => pad(tm.day),
  D: (tm) => format("%m/%d/%y", tm),
  e: (tm) => pad(tm.day, 2, " "),
  F: (tm) => format("%Y-%m-%d", tm),
  g: (tm) => pad(isoWeek(tm).year % 100),
  G: (tm) => String(isoWeek(tm).year),
  h: (tm) => format("%b", tm),
  H: (tm) => pad(tm.hour),
  I: (tm) => pad(tm.hour % 12 || 12),
  j: (tm) => pad(tm.yearDay + 1, 3),
  m: (tm) => pad(tm.month + 1),
  M: (tm) => pad(tm.minute),
  n: () => "\n",
  p: (tm) => tm.hour < 12 ? "AM" : "PM",
  r: (tm) => format("%I:%M:%S %p", tm),
  R: (tm) => format("%H:%M", tm),
  S: (tm) => pad(tm.second),
  t: () => "\t",
  T: (tm) => format("%H:%M:%S", tm),
  u: (tm) => String(tm.weekDay || 7),
  U: (tm) => pad(Math.floor((tm.yearDay + 7 - tm.weekDay) / 7)),
  V: (tm) => pad(isoWeek(tm).week),
  w: (tm) => String(tm.weekDay),
  W: (tm) => pad(Math.floor((tm.yearDay + 7 - ((tm.weekDay + 6) % 7)) / 7)),
  x: (tm) => format("%m/%d/%y", tm),
  X: (tm) => format("%H:%M:%S", tm),
  y: (tm) => pad((tm.year + 1900) % 100),
  Y: (tm) => String(tm.year + 1900),
  z: () => "+0000",
  Z: () => "UTC",
  "%": () => "%",
};

function format(layout: string, tm: BrokenDown): string {
  return layout.replaceAll(
    /%[EO]?(.)/g,
    (whole, conversion) => CONVERSIONS[conversion]?.(tm) ?? whole,
  );
}

/** C's strftime in the C locale and UTC; `tm` is the address of a struct tm. */
export function formatTime(heap: Heap, layout: string, tm: number): string {
  return format(layout, readTm(heap, tm));
}
