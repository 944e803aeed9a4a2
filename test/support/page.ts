/** @file Models as a page has them, on storages of a browser. */
import type { ModelDefinition } from "@dlc/runtime";
import { IDBFactory } from "fake-indexeddb";
import { createIndexedDbStorage } from "../../runtime/browser/indexed-db.js";
import { createMemoryStorage } from "../../runtime/browser/memory-storage.js";
import { createPagePlatform } from "../../runtime/browser/platform.js";
import type { Storage } from "../../runtime/browser/storage.js";
import { createModelOn } from "../../runtime/model/create-model-on.js";
import { tinyPoints } from "./tiny-model.mjs";
import { engine } from "./tiny-runs.js";

/** What gives a site's storage, time and again: after a reload it is another object with the same content. */
export const sites: Readonly<Record<string, () => () => Storage>> = {
  IndexedDB: () => {
    const factory = new IDBFactory();
    return () => createIndexedDbStorage(factory);
  },
  memory: () => {
    const storage = createMemoryStorage();
    return () => storage;
  },
};

export const loadOn = (
  storage: Storage,
  definition: ModelDefinition,
  weights?: string | Uint8Array | ArrayBuffer | Blob,
) => createModelOn(createPagePlatform(storage), definition, { engine, weights });

/** Examples of the tiny model, as columns. */
export function tinyColumns(size: number, seed: number) {
  const { x, y } = tinyPoints(size, seed);
  return {
    x: { shape: [size, 2], data: x },
    y: Array.from(y, (i) => ["red", "green", "blue"][i] as string),
  };
}

/** All that a storage holds, as text, by path. */
export async function contentOf(storage: Storage): Promise<Record<string, string>> {
  const content: Record<string, string> = {};
  for (const path of await storage.list("")) {
    content[path] = Buffer.from((await storage.read(path)) ?? []).toString("base64");
  }
  return content;
}
