import { describe, expect, test } from "bun:test";
import type { DirectMessage, LinkData } from "../../../src/worker/batch.ts";
import { Parcel } from "../../../src/vm/parcels.ts";
import { Links, mostUnderWay } from "../../../src/worker/links.ts";
import type { FromWorker, LinkPort } from "../../../src/worker/messages.ts";

/** A port that keeps what it is given until it is told to deliver. */
class TestPort implements LinkPort {
  onmessage: LinkPort["onmessage"] = null;
  readonly arriving: LinkData[] = [];
  other!: TestPort;
  closed = false;

  postMessage(data: LinkData): void {
    this.other.arriving.push(data);
  }
  drain(): LinkData[] {
    return this.arriving.splice(0);
  }
  close(): void {
    this.closed = true;
  }
  deliver(): void {
    for (const data of this.drain()) this.onmessage?.(new MessageEvent("message", { data }));
  }
}

/** Worker 0 and worker 1, the way between them, and what they have told the node. */
function pair() {
  const ports = [new TestPort(), new TestPort()] as const;
  [ports[0].other, ports[1].other] = [ports[1], ports[0]];
  const sides = [0, 1].map((index) => {
    const heard: number[] = [];
    const told: FromWorker[] = [];
    const congested: boolean[] = [];
    const packed: string[] = [];
    const opened: boolean[] = [];
    const links = new Links({
      deliver: (_, items) => heard.push(...items.map(numberOf)),
      turn: () => {},
      tell: (message) => told.push(message),
      congested: (_, on) => congested.push(on),
      packed: () => packed.length > 0 ? new Parcel(packed.splice(0).join(""), 0) : undefined,
      posted: (_, { version, taken }) => {
        if (packed.length === 0) return undefined;
        const header = Buffer.alloc(12);
        header.writeUInt32LE(version, 4);
        header.writeUInt32LE(taken, 8);
        return header.latin1Slice() + packed.splice(0).join("");
      },
      opened: (_, on) => opened.push(on),
    }, 0);
    links.open(1 - index, ports[index]!);
    return { links, heard, told, congested, packed, opened, port: ports[index]! };
  });
  return [sides[0]!, sides[1]!] as const;
}

/** The ticket of a message; of a parcel, the number that its text is. */
function numberOf(item: DirectMessage | Parcel): number {
  return item instanceof Parcel ? Number(Buffer.from(item.bytes).toString()) : item.ticket;
}

function message(ticket: number, bytes = 10): DirectMessage {
  return { type: "request", to: 1, ticket, op: "send", args: new Uint8Array(bytes) };
}

/** Gives worker 1 the fences that worker 0 has told the node. */
function passFences([from, to]: ReturnType<typeof pair>): void {
  for (const each of from.told.splice(0)) {
    if (each.type === "fence") to.links.passed(0, each.number);
  }
}

describe("links between workers", () => {
  test("a message waits for what its sender told the node before the way was open", () => {
    const both = pair();
    const [from, to] = both;
    from.links.send(1, message(1));
    from.links.flush();
    to.port.deliver();
    expect(to.heard).toEqual([]);
    passFences(both);
    expect(to.heard).toEqual([1]);
  });

  test("what follows a fence waits for it, and no longer", () => {
    const both = pair();
    const [from, to] = both;
    passFences(both);
    from.links.send(1, message(1));
    from.links.raiseFences();
    from.links.send(1, message(2));
    from.links.send(1, message(3));
    from.links.raiseFences();
    from.links.raiseFences();
    from.links.send(1, message(4));
    from.links.flush();
    to.port.deliver();
    expect(to.heard).toEqual([1]);
    expect(from.told.map((each) => each.type === "fence" && each.number)).toEqual([1, 2]);
    to.links.passed(0, 1);
    expect(to.heard).toEqual([1, 2, 3]);
    from.links.send(1, message(5));
    from.links.flush();
    to.port.deliver();
    expect(to.heard).toEqual([1, 2, 3]);
    to.links.passed(0, 2);
    expect(to.heard).toEqual([1, 2, 3, 4, 5]);
  });

  test("what the VM has packed keeps its place among messages and fences", () => {
    const both = pair();
    const [from, to] = both;
    passFences(both);
    expect(from.opened).toEqual([true]);
    from.packed.push("1");
    from.links.send(1, message(2));
    from.packed.push("3");
    from.links.raiseFences();
    from.packed.push("4");
    from.links.pack();
    expect(from.told.map((each) => each.type === "fence" && each.number)).toEqual([1]);
    from.links.flush();
    to.port.deliver();
    expect(to.heard).toEqual([1, 2, 3]);
    to.links.passed(0, 1);
    expect(to.heard).toEqual([1, 2, 3, 4]);
  });

  test("what the VM has packed goes alone, with the version and credit of its sender", () => {
    const both = pair();
    const [from, to] = both;
    passFences(both);
    from.links.reached(3);
    from.packed.push("1");
    from.links.pack();
    from.links.flush();
    expect(to.port.arriving).toEqual([expect.any(String)]);
    to.port.deliver();
    expect(to.heard).toEqual([]);
    to.links.reached(3);
    expect(to.heard).toEqual([1]);
    to.packed.push("2");
    to.links.flush();
    from.port.deliver();
    expect(from.heard).toEqual([]);
    from.links.passed(1, 0);
    expect(from.heard).toEqual([2]);
  });

  test("what is packed for a worker that is gone is dropped", () => {
    const both = pair();
    const [from] = both;
    from.packed.push("1");
    from.links.close(1);
    expect([from.packed, from.opened]).toEqual([[], [true, false]]);
  });

  test("no fence is told of when nothing follows it", () => {
    const both = pair();
    const [from] = both;
    passFences(both);
    from.links.raiseFences();
    from.links.pack();
    from.links.flush();
    expect(from.told).toEqual([]);
  });

  test("who knows a newer version of the application is heard once the receiver knows it too", () => {
    const both = pair();
    const [from, to] = both;
    passFences(both);
    from.links.reached(3);
    from.links.send(1, message(1));
    from.links.flush();
    to.port.deliver();
    to.links.reached(2);
    expect(to.heard).toEqual([]);
    to.links.reached(3);
    expect(to.heard).toEqual([1]);
  });

  test("what a worker sent before it died is heard, whatever it waits for, and nothing after that", () => {
    const both = pair();
    const [from, to] = both;
    from.links.send(1, message(1));
    from.links.raiseFences();
    from.links.send(1, message(2));
    from.links.flush();
    to.port.deliver();
    from.links.send(1, message(3));
    from.links.flush();
    to.links.close(0);
    expect(to.heard).toEqual([1, 2, 3]);
    expect([to.port.closed, to.links.has(0)]).toEqual([true, false]);
    to.links.passed(0, 1);
    expect(to.heard).toEqual([1, 2, 3]);
  });

  test("what is under way is bounded by credit, which comes back as it is taken", () => {
    const both = pair();
    const [from, to] = both;
    passFences(both);
    to.told.length = 0;
    from.links.passed(1, 0);
    let sent = 0;
    while (from.congested.length === 0) {
      from.links.send(1, message(++sent, 1000));
      from.links.flush();
    }
    expect(sent * 1000).toBeGreaterThan(mostUnderWay - 100_000);
    expect(sent * 1000).toBeLessThan(mostUnderWay + 2000);
    to.port.deliver();
    expect(to.heard.length).toBe(sent);
    // There is nothing else to say: the credit goes alone.
    to.links.flush();
    from.port.deliver();
    expect(from.congested).toEqual([true, false]);
    // It is no message itself, so that two workers do not acknowledge each other for ever.
    from.links.flush();
    expect(to.port.arriving).toEqual([]);
  });

  test("what is held gives no credit", () => {
    const [from, to] = pair();
    while (from.congested.length === 0) {
      from.links.send(1, message(1, 10_000));
      from.links.flush();
    }
    to.port.deliver();
    to.links.flush();
    from.port.deliver();
    expect(from.congested).toEqual([true]);
    to.links.passed(0, 0);
    to.links.flush();
    from.port.deliver();
    expect(from.congested).toEqual([true, false]);
  });
});
