/** @file Where a page keeps runs and weights: bytes under paths, as in a file system without folders. */
import { DlcError } from "../errors.js";

export interface Storage {
  /** false: what it holds is lost with the page. */
  readonly lasting: boolean;
  /** null: nothing is kept under this path. */
  read(path: string): Promise<Uint8Array | null>;
  /** All paths that begin so, sorted. */
  list(prefix: string): Promise<readonly string[]>;
  /** Writes and (null) deletes: all of it or, where that fails, nothing. */
  change(files: Readonly<Record<string, Uint8Array | null>>): Promise<void>;
  /** Takes the lock of this name; resolves to what releases it, or to null where somebody else has it. */
  lock(name: string): Promise<(() => void) | null>;
}

/** @throws DlcError `file-operation-failed` where the browser's storage fails. */
export async function withStorage<T>(
  operation: string,
  place: string,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const { name } = Object(error) as { readonly name?: unknown };
    if (error instanceof DlcError || !storageFaults.has(String(name))) throw error;
    const full = name === "QuotaExceededError";
    throw new DlcError(
      "file-operation-failed",
      `cannot ${operation}: ${full ? "the browser gives this page no more room" : `the browser's storage failed (${name})`}`,
      {
        place,
        reason: "io",
        help: full
          ? "Free storage of this site, keep fewer checkpoints (checkpoint.keep) or a smaller model."
          : "Reload the page and try again; a run continues from its last checkpoint.",
        cause: error,
      },
    );
  }
}

/** What IndexedDB throws for reasons that are not ours (its specification, section 3). */
const storageFaults: ReadonlySet<string> = new Set([
  "AbortError",
  "DataCloneError",
  "InvalidStateError",
  "NotReadableError",
  "QuotaExceededError",
  "SecurityError",
  "UnknownError",
  "VersionError",
]);
