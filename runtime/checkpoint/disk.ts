/**
 * @file Writing files so that they survive a crash: a file is complete and on the disk before it gets
 * its name, and the folder that names it is synchronised too (a rename alone may be lost).
 */
import { constants } from "node:fs";
import { open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { DlcError, systemReason } from "../errors.js";

/** Creates a file that must not exist yet; when the promise resolves its bytes are on the disk. */
export async function createDurable(path: string, bytes: Uint8Array): Promise<void> {
  const file = await open(path, "wx");
  try {
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Makes creations, renames and removals inside a folder durable. */
export async function syncFolder(path: string): Promise<void> {
  // Windows cannot open folders; its file systems journal renames by themselves.
  if (process.platform === "win32") return;
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** Replaces a file as a whole: a reader sees the old content or the new, never a part. */
export async function replaceFile(path: string, content: string | Uint8Array): Promise<void> {
  const temporary = `${path}.tmp-${process.pid}`;
  await rm(temporary, { force: true });
  try {
    const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
    await createDurable(temporary, bytes);
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {});
    throw error;
  }
  await syncFolder(dirname(path));
}

/** Reads a regular file; a symbolic link or anything else is an error. */
export async function readRegularFile(
  path: string,
  limits: { readonly maxBytes?: number } = {},
): Promise<Uint8Array> {
  const file = await open(path, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0));
  try {
    const stat = await file.stat();
    if (!stat.isFile()) throw new Error("is not a regular file");
    if (limits.maxBytes !== undefined && stat.size > limits.maxBytes) {
      throw new Error(`has ${stat.size} bytes, more than the ${limits.maxBytes} expected`);
    }
    return await file.readFile();
  } finally {
    await file.close();
  }
}

/** The system's code of a failed file operation (`ENOENT`), or null. */
export function systemCode(error: unknown): string | null {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === "string" ? code : null;
}

/** Runs file operations; a failure becomes a `DlcError` that says what was being done. */
export async function withIo<T>(doing: string, place: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (cause instanceof DlcError || systemCode(cause) === null) throw cause;
    throw new DlcError(
      "file-operation-failed",
      `cannot ${doing}: ${systemReason(cause) ?? (cause as Error).message}`,
      {
        place,
        reason: "io",
        help: "Check that the disk has room and that the folder may be written; what was saved before is intact.",
        cause,
      },
    );
  }
}
