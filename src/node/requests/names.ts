import type { Names } from "../names.ts";
import { flag, request, type Requests, text } from "./request.ts";

/**
 * Names of processes.
 *
 * @param released called when a unit that has names, groups or locks has ended
 */
export function nameRequests(names: Names, released: (pid: string) => void): Requests {
  return {
    "names.lookup": request({ name: text }, ({ name }) => names.lookup(name)),
    // With `claim`, the answer is who has the name.
    "names.register": request({ name: text, pid: text, claim: flag }, ({ name, pid, claim }) => {
      if (claim) return names.claim(name, pid);
      names.register(name, pid);
      return true;
    }),
    "names.unregister": request({ name: text }, ({ name }) => names.unregister(name)),
    "names.release": request({ pid: text }, ({ pid }) => {
      names.release(pid);
      released(pid);
      return true;
    }),
  };
}
