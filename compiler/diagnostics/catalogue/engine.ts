/** @file Diagnostics of choosing and starting an engine. */
import type { CatalogueEntry } from "../diagnostic.js";

export const engineEntries = {
  "engine-missing": {
    severity: "error",
    message: "the engine cannot be used: {reason}",
    help: "Run `dlc doctor`: it tries every engine and names the command that mends it.",
    explain:
      "An engine executes the programs of a model on a device. The one that was asked for is not known, has no such device, or cannot be used on this machine: a package is not installed (dlc setup tensorflow installs TensorFlow), there is no GPU or its driver is missing, or a native library does not load (for example because node_modules was copied from another platform). What was asked for by name is never replaced by something else; without a name the best is taken that works. Exit code 5.",
  },
  "out-of-device-memory": {
    severity: "error",
    message: "{engine} has its memory used up in {program} with a batch of {batch}",
    help: "Set train.batch to a smaller number, or take a device with more memory.",
    explain:
      "The device could not give a tensor its memory. The message says about how much the program needs at a time, how much the device has (where it tells), and the largest tensors with their layers; the help, the largest batch that fits. The estimate is of the program's tensors: the driver and other programs on the device take memory, too. Weights and checkpoints are not harmed. A batch of another size belongs to another run: add --fresh if the run has begun.",
  },
  "device-lost": {
    severity: "error",
    message: "{engine} was lost in {program}: {reason}",
    help: "Run the same command again: it continues from the last checkpoint. If it happens again, look into the system's log and update the driver.",
    explain:
      "The driver has given the device up while it was computing: it crashed, was reset (a kernel took too long, the machine slept), or the hardware has a fault. What was on the device is gone; the run's last checkpoint is intact, and the same command continues from it. Exit code 5.",
  },
  "driver-too-old": {
    severity: "error",
    message: "the driver is too old for {engine}: {reason}",
    help: "Update the GPU's driver; CUDA 12 needs 525.60 or newer.",
    explain:
      "Libraries of CUDA need a driver that is as new as they are. `dlc doctor` tells the driver's version and the command that updates it. Exit code 5.",
  },
  "cuda-mismatch": {
    severity: "error",
    message: "the libraries of CUDA do not fit {engine}: {reason}",
    help: "`dlc doctor` tells which versions are there, which are needed, and the command that installs them.",
    explain:
      "The engine was built for certain major versions of CUDA and cuDNN (onnxruntime-node 1.30: CUDA 12 and cuDNN 9) and loads nothing else: a library is missing, of another version, or not made for this GPU. Exit code 5.",
  },
  "threads-invalid": {
    severity: "error",
    message: "threads must be a whole number from 1, not {threads}",
    help: "Leave it out to use every core that is available.",
    explain:
      "The number of threads is how many cores one operation may use. The same seed gives the same weights on the same number of threads.",
  },
} as const satisfies Record<string, CatalogueEntry>;
