/** @file Locks of a page, and of all pages of a site where the browser has them. */

interface LockManager {
  request(
    name: string,
    options: { readonly ifAvailable: true },
    work: (lock: object | null) => Promise<void> | undefined,
  ): Promise<void>;
}

/** Takes the lock of a name: resolves to what releases it, null where it is taken. */
export type TakeLock = (name: string) => Promise<(() => void) | null>;

/** Locks that only the callers of this function's result know of. */
export function createLocks(): TakeLock {
  const held = new Set<string>();
  return async (name) => {
    if (held.has(name)) return null;
    held.add(name);
    return () => held.delete(name);
  };
}

/** Locks of the whole site (Web Locks); they end with the page that has them. */
function createSiteLocks(manager: LockManager): TakeLock {
  return (name) =>
    new Promise((resolve, reject) => {
      manager
        .request(`dlc ${name}`, { ifAvailable: true }, (lock) => {
          if (lock === null) {
            resolve(null);
            return undefined;
          }
          return new Promise((release) => resolve(() => release()));
        })
        .catch(reject);
    });
}

const ofPage = createLocks();

/** Locks of the site where there are some (secure pages), else of this page. */
export const takeSiteLock: TakeLock = (name) => {
  const { navigator } = globalThis as { readonly navigator?: { readonly locks?: LockManager } };
  const manager = navigator?.locks;
  return manager === undefined ? ofPage(name) : createSiteLocks(manager)(name);
};
