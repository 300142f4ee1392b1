import { BlockList, isIP, isIPv6 } from "node:net";
import { lazy } from "../registry/lazy.ts";

/** What belongs to this machine, its networks or nobody: addresses that the public internet does not have. */
const nonPublic = [
  "0.0.0.0/8",
  "10.0.0.0/8",
  "100.64.0.0/10",
  "127.0.0.0/8",
  "169.254.0.0/16",
  "172.16.0.0/12",
  "192.0.0.0/24",
  "192.168.0.0/16",
  "198.18.0.0/15",
  "224.0.0.0/4",
  "240.0.0.0/4",
  "::/127",
  "fc00::/7",
  "fe80::/10",
  "ff00::/8",
];

const list = lazy(() => {
  const blocks = new BlockList();
  for (const range of nonPublic) {
    const [address, bits] = range.split("/") as [string, string];
    blocks.addSubnet(address, Number(bits), isIPv6(address) ? "ipv6" : "ipv4");
  }
  return blocks;
});

/** The eight groups of an IPv6 address, without a zone. */
function groupsOf(address: string): number[] {
  const [text] = address.split("%") as [string];
  // The URL parser writes the last four bytes as groups, too.
  const plain = new URL(`http://[${text}]/`).hostname.slice(1, -1);
  const [before = "", after] = plain.split("::");
  const parts = (side: string) =>
    side === "" ? [] : side.split(":").map((part) => parseInt(part, 16));
  const left = parts(before);
  const right = parts(after ?? "");
  return [...left, ...Array<number>(8 - left.length - right.length).fill(0), ...right];
}

/** The IPv4 address that an IPv6 address leads to: mapped, compatible, NAT64 and 6to4. */
function embedded(groups: number[]): string | undefined {
  const text = (high: number, low: number) => `${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`;
  const zero = (count: number) => groups.slice(0, count).every((group) => group === 0);
  const [first, second, third] = groups as [number, number, number];
  if (first === 0x2002) return text(second, third);
  const nat64 = first === 0x64 && second === 0xff9b;
  const mapped = zero(5) && groups[5] === 0xffff;
  if (nat64 || mapped || zero(6)) return text(groups[6]!, groups[7]!);
  return undefined;
}

/** Whether an IP address is private, loopback, link-local, multicast or reserved. */
export function isPrivate(address: string): boolean {
  if (isIP(address) !== 6) return list().check(address, "ipv4");
  const groups = groupsOf(address);
  const v4 = embedded(groups);
  const plain = groups.map((group) => group.toString(16)).join(":");
  return list().check(plain, "ipv6") || v4 !== undefined && list().check(v4, "ipv4");
}

/** The IP address that the host of a URL is, without brackets; undefined for a name. */
export function literalAddress(url: URL): string | undefined {
  const host = url.hostname.replace(/^\[|\]$/g, "");
  return isIP(host) === 0 ? undefined : host;
}
