/** A time as databases write it; a `T` may stand between date and time. */
const timestamp =
  /^(\d{4}-\d\d-\d\d)(?:[ T](\d\d:\d\d(?::\d\d(?:\.\d+)?)?)(Z|[+-]\d\d(?::?\d\d)?(?::\d\d)?)?)?$/;

/** A time in RFC 3339 and UTC; without a zone it is one of UTC. What is no time, such as `infinity`, stays as it is. */
export function rfc3339(text: string): string {
  const [, day, time = "00:00:00", zone = "Z"] = timestamp.exec(text) ?? [];
  if (day === undefined) return text;
  const seconds = time.length === 5 ? `${time}:00` : time;
  if (zone === "Z" || /^[+-]00(?::?00)?$/.test(zone)) return `${day}T${seconds}Z`;
  const [, sign, hours, minutes = "00"] = /^([+-])(\d\d):?(\d\d)?/.exec(zone)!;
  const date = new Date(`${day}T${seconds}${sign}${hours}:${minutes}`);
  if (Number.isNaN(date.getTime())) return text;
  const fraction = /\.\d+/.exec(seconds)?.[0] ?? "";
  return date.toISOString().replace(/\.\d+Z$/, `${fraction}Z`);
}
