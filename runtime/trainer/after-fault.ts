/** @file What a device that fails leaves of a run: its last checkpoint, and the way on. */
import { join } from "node:path";
import { checkpointsFolder, listCheckpoints } from "../checkpoint/store.js";
import { DlcError } from "../errors.js";

/** Faults after which the run's checkpoints are as they were. */
const faults: ReadonlySet<string> = new Set(["device-lost", "out-of-device-memory"]);

/** The error with the checkpoint that the run goes on from, if it is a fault of the device; otherwise as it is. */
export async function withCheckpoint(error: unknown, run: string): Promise<unknown> {
  if (!(error instanceof DlcError) || !faults.has(error.code)) return error;
  const [last] = await listCheckpoints(run);
  const { code, message, place, help, reason, cause } = error;
  if (last === undefined && code !== "device-lost") return error;
  const way =
    last === undefined
      ? "No checkpoint was written yet: the same command starts from the beginning."
      : `The last checkpoint is intact: the same command continues from ${join(run, checkpointsFolder, last)}.`;
  return new DlcError(code, message, {
    ...(place !== null && { place }),
    help: help === null ? way : `${help} ${way}`,
    reason,
    cause,
  });
}
