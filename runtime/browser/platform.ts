/** @file What a model needs of a page: engines of the browser, data in memory, runs in IndexedDB. */
import { createBrowserEngine } from "../engines/browser.js";
import type { Platform } from "../model/platform.js";
import { createBreathe } from "./breathe.js";
import { pageAccess } from "./data-access.js";
import { createIndexedDbStorage, type IndexedDb } from "./indexed-db.js";
import { createMemoryStorage } from "./memory-storage.js";
import { notInBrowser } from "./not-in-browser.js";
import type { Storage } from "./storage.js";
import { createStoredRuns } from "./stored-runs.js";
import { loadStoredWeights, saveStoredWeights } from "./stored-weights.js";

/** `./runs/a/` and `runs/a` are the same. */
const pathOf = (name: string): string => name.replace(/^(?:\.?\/+)+/, "").replace(/\/+$/, "");

export function createPagePlatform(
  storage: Storage,
  createEngine: Platform["createEngine"] = createBrowserEngine,
): Platform {
  return {
    createEngine,
    baseOf: () => "",
    data: pageAccess,
    loadWeights: (from, model) => loadStoredWeights(storage, pathOf(from), model),
    saveBytes: (to, bytes) => saveStoredWeights(storage, pathOf(to), bytes),
    training: { runs: createStoredRuns(storage), breathe: createBreathe() },
    runOf: pathOf,
    async startingPoint({ initial }) {
      throw notInBrowser(
        "init",
        `the spec starts from the weights of a file (${initial.from})`,
        "Train in Node, or start from weights of this model: load({ weights: bytes }).",
      );
    },
  };
}

/** The site's storage; one that is lost with the page where there is none. */
export function storageOf(page: { readonly indexedDB?: IndexedDb }): Storage {
  const { indexedDB } = page;
  return indexedDB === undefined ? createMemoryStorage() : createIndexedDbStorage(indexedDB);
}
