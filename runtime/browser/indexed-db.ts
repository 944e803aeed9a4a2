/** @file The storage that outlives the page: a database of the site (IndexedDB). */
import { takeSiteLock } from "./locks.js";
import type { Storage } from "./storage.js";

/** The parts of IndexedDB that are used here. */
export interface IndexedDb {
  open(name: string, version: number): OpenRequest;
}
interface Request<T> {
  readonly result: T;
  readonly error: unknown;
  onsuccess: ((event: never) => void) | null;
  onerror: ((event: never) => void) | null;
}
interface OpenRequest extends Request<Database> {
  onupgradeneeded: ((event: never) => void) | null;
  onblocked: ((event: never) => void) | null;
}
interface Database {
  createObjectStore(name: string): unknown;
  transaction(
    store: string,
    mode: "readonly" | "readwrite",
    options?: { readonly durability: "strict" },
  ): Transaction;
  close(): void;
}
interface Transaction {
  readonly error: unknown;
  oncomplete: ((event: never) => void) | null;
  onabort: ((event: never) => void) | null;
  objectStore(name: string): ObjectStore;
}
interface ObjectStore {
  get(key: string): Request<unknown>;
  getAllKeys(): Request<readonly unknown[]>;
  put(value: Uint8Array, key: string): Request<unknown>;
  delete(key: string): Request<unknown>;
}

const databaseName = "dlc";
const version = 1;
const store = "files";

/** Opened for each use: an open connection would keep other pages from deleting or upgrading it. */
export function createIndexedDbStorage(factory: IndexedDb): Storage {
  async function use<T>(
    mode: "readonly" | "readwrite",
    work: (files: ObjectStore) => Request<T> | null,
  ): Promise<T | null> {
    const database = await open(factory);
    try {
      // "strict": complete means that it is on the disk.
      const transaction = database.transaction(store, mode, { durability: "strict" });
      const request = work(transaction.objectStore(store));
      await completed(transaction);
      return request === null ? null : request.result;
    } finally {
      database.close();
    }
  }

  return {
    lasting: true,
    async read(path) {
      const value = await use("readonly", (files) => files.get(path));
      return value instanceof Uint8Array ? value : null;
    },
    async list(prefix) {
      const keys = (await use("readonly", (files) => files.getAllKeys())) ?? [];
      return keys.map(String).filter((path) => path.startsWith(prefix));
    },
    async change(changes) {
      await use("readwrite", (files) => {
        for (const [path, bytes] of Object.entries(changes)) {
          // A copy: of a view the whole memory behind it would be kept.
          if (bytes === null) files.delete(path);
          else files.put(bytes.slice(), path);
        }
        return null;
      });
    },
    lock: takeSiteLock,
  };
}

function open(factory: IndexedDb): Promise<Database> {
  return new Promise((resolve, reject) => {
    const request = factory.open(databaseName, version);
    request.onupgradeneeded = () => request.result.createObjectStore(store);
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
    request.onblocked = () => reject(new Error("the database of another version is in use"));
  });
}

function completed(transaction: Transaction): Promise<void> {
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onabort = () =>
      reject(transaction.error ?? new Error("a change of the database was abandoned"));
  });
}
