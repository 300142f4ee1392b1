import type { Output } from "../../../src/operations/io/output.ts";

/** An output that keeps what is written. */
export class Collected implements Output {
  bytes = Buffer.alloc(0);
  write(data: string | Uint8Array): void {
    this.bytes = Buffer.concat([this.bytes, Buffer.from(data as Uint8Array)]);
  }
  flush(): Promise<void> {
    return Promise.resolve();
  }
}
