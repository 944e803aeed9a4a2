/**
 * @file NVIDIA's libraries for TensorFlow on a GPU, from their wheels. TensorFlow opens them by name when it
 * starts, and its libraries name the folders beside them ($ORIGIN/../nvidia/<part>/lib) to look in: where
 * `nvidia` stands beside `tensorflow`, no LD_LIBRARY_PATH is needed.
 */
import { existsSync } from "node:fs";
import { rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { bytes } from "../../table.js";
import { gist } from "../../tool.js";
import { pip, wheelArguments, withProgress } from "./download.js";
import { downloadFailed, wheelDamaged } from "./problems.js";
import { cudaBytes } from "./releases.js";

/**
 * Installs the libraries into `folder/nvidia`, in the versions that TensorFlow's wheel asks for.
 * @throws DlcError "setup-download-failed"; Interrupted.
 */
export async function installCuda(
  requirements: readonly string[],
  folder: string,
  signal: AbortSignal | undefined,
  say: (line: string) => void,
): Promise<void> {
  if (requirements.length === 0) {
    throw wheelDamaged(folder, "it names no CUDA libraries; it is a wheel without GPU support");
  }
  const site = join(folder, "site");
  const { outcome, output } = await withProgress(
    `downloading CUDA libraries: ${requirements.length} packages of NVIDIA (about ${bytes(cudaBytes)} with what is unpacked)`,
    folder,
    cudaBytes,
    say,
    () =>
      pip(
        ["install", ...wheelArguments, "--no-compile", "--target", site, ...requirements],
        folder,
        { signal },
      ),
  );
  const made = join(site, "nvidia");
  if (outcome !== "ok" || !existsSync(made)) {
    throw downloadFailed(
      "the CUDA libraries",
      gist(output),
      "Check the network and pip's index (pip config list).",
    );
  }
  await rename(made, join(folder, "nvidia"));
  await rm(site, { recursive: true, force: true });
}
