import type { Vm } from "../vm/vm.ts";
import type { OperationRunner } from "./operation-runner.ts";

const blockSize = 64 * 1024;

/**
 * Makes the host functions for the open files of units, which scripts use too often for operations.
 *
 * @param output takes what is written to the standard output (1) or error (2); the bytes are good until it returns
 */
export function registerStandardFiles(
  vm: Vm,
  operations: OperationRunner,
  output: (to: 1 | 2, data: Uint8Array) => void,
): void {
  // host.write(work, file, ...): writes strings and integers to an open file of a unit, or, without `work`, to the
  // standard output (1) or error (2). Returns nothing; a list, the failure; or the position of the first argument of
  // another type, in which case nothing is written.
  vm.registerRaw("write", (L) => {
    const count = vm.top(L);
    for (let i = 3; i <= count; i++) {
      if (vm.isString(L, i)) continue;
      const value = vm.read(L, i);
      if (typeof value === "bigint" || Number.isInteger(value)) continue;
      vm.push(L, i - 2);
      return 1;
    }
    const work = vm.read(L, 1);
    const file = Number(vm.read(L, 2));
    for (let i = 3; i <= count; i++) {
      const data = vm.isString(L, i) ? vm.bytes(L, i) : Buffer.from(String(vm.read(L, i)));
      if (work === false) {
        output(file === 2 ? 2 : 1, data);
        continue;
      }
      const failure = operations.write(Number(work), file, data);
      if (failure === undefined) continue;
      vm.push(L, failure);
      return 1;
    }
    return 0;
  });
  let block: Buffer | undefined;
  vm.registerRaw("read", (L) => {
    block ??= Buffer.allocUnsafe(blockSize);
    const [work, file] = [Number(vm.read(L, 1)), Number(vm.read(L, 2))];
    vm.push(L, operations.read(work, file, block));
    return 1;
  });
}
