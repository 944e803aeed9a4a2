/** @file A checkpoint as a folder. */
import { lstat, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { makeFolder } from "../folder.js";
import { CheckpointFault, type CheckpointFiles } from "./checkpoint.js";
import { createDurable, readRegularFile, syncFolder } from "./disk.js";

/** The checkpoint in this folder, which is called as the checkpoint. */
export function checkpointFolder(folder: string): CheckpointFiles {
  const name = basename(folder);
  return {
    name,
    place: folder,
    async check() {
      const stat = await lstat(folder).catch(() => null);
      if (stat === null) throw new CheckpointFault("damaged", name, "is missing");
      if (!stat.isDirectory()) throw new CheckpointFault("damaged", name, "is not a folder");
    },
    read: (file, maxBytes) => readRegularFile(join(folder, file), { maxBytes }),
  };
}

/**
 * Writes the files of a checkpoint into `folder`, which must not exist. It appears under its name only when
 * it is complete and on the disk: temporary folder, files, fsync of each, rename, fsync of the parent.
 */
export async function writeCheckpointFolder(
  folder: string,
  files: Readonly<Record<string, Uint8Array>>,
): Promise<void> {
  const parent = dirname(folder);
  const temporary = join(parent, `.tmp-${basename(folder)}-${process.pid}`);
  await rm(temporary, { recursive: true, force: true });
  try {
    makeFolder(temporary);
    for (const [file, bytes] of Object.entries(files)) {
      await createDurable(join(temporary, file), bytes);
    }
    await syncFolder(temporary);
    await rename(temporary, folder);
  } catch (error) {
    await rm(temporary, { recursive: true, force: true }).catch(() => {});
    throw error;
  }
  await syncFolder(parent);
}
