/** @file What may stand in the way of `dlc setup`, each with its remedy. */
import { DlcError } from "@dlc/runtime/errors";
import { bytes } from "../../table.js";

export const noProject = (folder: string): DlcError =>
  new DlcError("setup-no-project", `neither ${folder} nor a folder above it has a package.json`, {
    place: folder,
    help: "Change to your project, or make one here: npm init -y",
    reason: "usage",
  });

export const unsupported = (what: string, help: string): DlcError =>
  new DlcError("setup-unsupported", what, { help, reason: "environment" });

export const toolMissing = (tool: string, why: string, help: string): DlcError =>
  new DlcError("setup-tool-missing", `${tool} is missing, and ${why}`, {
    help,
    reason: "environment",
  });

export const noSpace = (folder: string, needed: number, free: number): DlcError =>
  new DlcError(
    "setup-no-space",
    `${bytes(needed)} are needed in ${folder}, and ${bytes(free)} are free`,
    {
      place: folder,
      help: "Free some space there. XDG_CACHE_HOME names another place for TensorFlow's libraries.",
      reason: "io",
    },
  );

export const downloadFailed = (what: string, reason: string, help: string): DlcError =>
  new DlcError("setup-download-failed", `${what} cannot be had: ${reason}`, {
    help,
    reason: "environment",
  });

export const wheelDamaged = (file: string, reason: string): DlcError =>
  new DlcError("setup-wheel-damaged", `${file} is not the wheel that is needed: ${reason}`, {
    place: file,
    help: "Download it again, or run without --wheel.",
    reason: "io",
  });

export const buildFailed = (reason: string): DlcError =>
  new DlcError("setup-build-failed", `the addon does not build: ${reason}`, {
    help: "It needs g++, make, Python 3 and Node's headers. Where the headers cannot be downloaded, npm_config_nodedir names the folder with include/node.",
    reason: "environment",
  });

export const doesNotRun = (reason: string): DlcError =>
  new DlcError("setup-does-not-run", `TensorFlow is installed but does not compute: ${reason}`, {
    help: "Remove node_modules/@tensorflow and run the command again. For a GPU, nvidia-smi tells whether the driver works and what CUDA it knows: 12 is needed. The engine onnx needs no setup.",
    reason: "environment",
  });
