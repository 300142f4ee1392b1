import { expect, test } from "bun:test";
import { makeVm, run } from "./make_vm.ts";

test("what runs can be read from within a long call of C", async () => {
  const seen = new Set<string | undefined>();
  const vm = await makeVm({
    toiling: () => {
      seen.add(vm.peek("current", "pid"));
      seen.add(vm.peek("current", "entry", "id"));
      seen.add(vm.peek("current", "nothing"));
      seen.add(vm.peek("current", "pid", "further"));
    },
  });
  vm.registerRaw("watch", (L) => {
    vm.watch(L);
    return 0;
  });
  run(
    vm,
    `host.watch({ current = { pid = "{app:x|0x00040}", entry = { id = "app:" .. ("long"):rep(20) } } })
    return (("a"):rep(6000000):find("b."))`,
  );
  expect(seen).toEqual(new Set(["{app:x|0x00040}", undefined, `app:${"long".repeat(20)}`]));
});
