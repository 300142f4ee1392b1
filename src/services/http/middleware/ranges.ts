import { isIP } from "node:net";

/** What is wrong with a list of ranges of addresses, such as `10.0.0.0/8, ::1/128`. */
export function rangeFault(text: string | undefined): string | undefined {
  for (const range of text?.split(",").map((item) => item.trim()) ?? []) {
    const [address = "", bits] = range.split("/");
    const version = isIP(address);
    const most = version === 4 ? 32 : 128;
    if (version === 0 || !/^\d+$/.test(bits ?? "") || Number(bits) > most) {
      return `real_ip.trusted.subnets: ${JSON.stringify(range)} is no range such as 10.0.0.0/8`;
    }
  }
  return undefined;
}
