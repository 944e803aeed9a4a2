/** @file Diagnostics of `dlc setup`: what stands in the way of an engine that npm alone does not bring. */
import type { CatalogueEntry } from "../diagnostic.js";

export const setupEntries = {
  "setup-no-project": {
    severity: "error",
    message: "neither {folder} nor a folder above it has a package.json",
    help: "Change to your project, or make one here: npm init -y",
    explain:
      "dlc setup installs an npm package into your project, which is the nearest folder with a package.json, and there is none. Exit code 2.",
  },
  "setup-unsupported": {
    severity: "error",
    message: "no TensorFlow wheel fits: {reason}",
    help: "The engine onnx works without setup.",
    explain:
      "TensorFlow publishes the libraries that dlc builds the addon against for Linux on x64 with glibc 2.27 or later; its GPU builds are for NVIDIA GPUs. Elsewhere the npm package's own install may still work. Exit code 5.",
  },
  "setup-tool-missing": {
    severity: "error",
    message: "{tool} is missing, and {reason}",
    help: "Install it with the package manager of your system.",
    explain:
      "The package is installed by npm, TensorFlow's wheel is downloaded by pip, and the addon is built by g++, make and Python 3, as every addon of Node is. Exit code 5.",
  },
  "setup-no-space": {
    severity: "error",
    message: "{needed} are needed in {folder}, and {free} are free",
    help: "Free some space there. XDG_CACHE_HOME names another place for TensorFlow's libraries.",
    explain:
      "TensorFlow's libraries take about a gigabyte, with CUDA several; the download lies beside them for a while. Nothing was written. Exit code 74.",
  },
  "setup-download-failed": {
    severity: "error",
    message: "{file} cannot be had: {reason}",
    help: "Check the network, npm's registry and pip's index; or download the wheel elsewhere and add --wheel <file>.",
    explain:
      "A package of npm or a wheel of Python could not be downloaded. The settings of npm and pip hold: registry, index, proxy, certificates. Nothing half-done is left behind. Exit code 5.",
  },
  "setup-wheel-damaged": {
    severity: "error",
    message: "{file} is not the wheel that is needed: {reason}",
    help: "Download it again, or run without --wheel.",
    explain:
      "The wheel is cut off, is another one, or its SHA-256 or that of a file in it is not what was published. Nothing of it was used. Exit code 74.",
  },
  "setup-build-failed": {
    severity: "error",
    message: "the addon does not build: {reason}",
    help: "It needs g++, make, Python 3 and Node's headers. Where the headers cannot be downloaded, npm_config_nodedir names the folder with include/node.",
    explain:
      "The binding between Node and TensorFlow is compiled on this machine by node-gyp, which failed. Exit code 5.",
  },
  "setup-does-not-run": {
    severity: "error",
    message: "TensorFlow is installed but does not compute: {reason}",
    help: "Remove node_modules/@tensorflow and run the command again. For a GPU, nvidia-smi tells whether the driver works and what CUDA it knows: 12 is needed. The engine onnx needs no setup.",
    explain:
      "At the end of the setup a process of its own computes one matrix product. It ended otherwise, for example because a system library is too old or the processor lacks AVX; or, with --gpu, it was computed on the CPU although there is a GPU. Exit code 5.",
  },
} as const satisfies Record<string, CatalogueEntry>;
