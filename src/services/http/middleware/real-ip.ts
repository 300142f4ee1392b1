import { BlockList, isIP } from "node:net";
import type { Middleware, Use } from "./use.ts";

const trustedByDefault = "127.0.0.0/8,10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,169.254.0.0/16," +
  "100.64.0.0/10,::1/128,fc00::/7,fe80::/10";

function rangesOf(text: string): BlockList {
  const list = new BlockList();
  for (const range of text.split(",").map((item) => item.trim())) {
    const [address = "", bits] = range.split("/");
    list.addSubnet(address, Number(bits), isIP(address) === 4 ? "ipv4" : "ipv6");
  }
  return list;
}

/** The address of a peer, without the port and the wrapping of IPv4 in IPv6; one without a port is left as it is. */
export function bare(remote: string): string {
  const host = /^\[(.*)\]:\d+$/.exec(remote)?.[1] ?? remote.replace(/^([\d.]+):\d+$/, "$1");
  return host.replace(/^::ffff:(?=\d+\.)/, "");
}

/** Takes the client's address from what a trusted proxy says. */
export function realIp({ options }: Use): Middleware {
  const option = (name: string) => options[`real_ip.${name}`] ?? options[name.replaceAll(".", "_")];
  const all = option("trust_all") === "true";
  const trusted = rangesOf(option("trusted.subnets") ?? trustedByDefault);
  return (exchange, next) => {
    const peer = bare(exchange.remote);
    if (all || trusted.check(peer, isIP(peer) === 6 ? "ipv6" : "ipv4")) {
      const { headers } = exchange.request;
      const said = [
        headers.get("true-client-ip"),
        headers.get("x-real-ip"),
        headers.get("x-forwarded-for")?.split(",")[0],
      ];
      const found = said.map((value) => value?.trim() ?? "").find((value) => isIP(value) !== 0);
      if (found !== undefined) exchange.remote = found;
    }
    return next(exchange);
  };
}
