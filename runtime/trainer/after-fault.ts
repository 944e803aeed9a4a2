/** @file What a device that fails leaves of a run: its last checkpoint, and the way on. */
import { DlcError } from "../errors.js";
import type { OpenRun } from "./run-store.js";

/** Faults after which the run's checkpoints are as they were. */
const faults: ReadonlySet<string> = new Set(["device-lost", "out-of-device-memory"]);

/** The error with the checkpoint that the run goes on from, if it is a fault of the device; otherwise as it is. */
export async function withCheckpoint(
  error: unknown,
  run: Pick<OpenRun, "checkpoints" | "checkpointPath">,
): Promise<unknown> {
  if (!(error instanceof DlcError) || !faults.has(error.code)) return error;
  const [last] = await run.checkpoints.names();
  const { code, message, place, help, reason, cause } = error;
  if (last === undefined && code !== "device-lost") return error;
  const way =
    last === undefined
      ? "No checkpoint was written yet: the same command starts from the beginning."
      : `The last checkpoint is intact: the same command continues from ${run.checkpointPath(last)}.`;
  return new DlcError(code, message, {
    ...(place !== null && { place }),
    help: help === null ? way : `${help} ${way}`,
    reason,
    cause,
  });
}
