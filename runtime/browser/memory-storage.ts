/** @file A storage that is lost with the page, where there is no other. */
import { createLocks } from "./locks.js";
import type { Storage } from "./storage.js";

export function createMemoryStorage(): Storage {
  const files = new Map<string, Uint8Array>();
  return {
    lasting: false,
    read: async (path) => files.get(path)?.slice() ?? null,
    list: async (prefix) => [...files.keys()].filter((path) => path.startsWith(prefix)).sort(),
    async change(changes) {
      for (const [path, bytes] of Object.entries(changes)) {
        if (bytes === null) files.delete(path);
        else files.set(path, bytes.slice());
      }
    },
    lock: createLocks(),
  };
}
