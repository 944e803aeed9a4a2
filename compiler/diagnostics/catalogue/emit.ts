/** @file Diagnostics of the emit stage. */
import type { CatalogueEntry } from "../diagnostic.js";

export const emitEntries = {
  "output-edited": {
    severity: "error",
    message: "{file} has been edited since dlc wrote it",
    help: "Move the change into the specification or into a file of your own, or build with --force to overwrite it.",
    explain:
      "A generated package is a product: the next build replaces it. dlc keeps the hash of every file it writes in .dlc/manifest.json, and refuses to overwrite or remove a file whose content is no longer what it wrote, so that work done by hand is not lost.",
  },
  "output-not-ours": {
    severity: "error",
    message: "{file} exists, and dlc did not write it",
    help: "Choose another output folder, move the file away, or build with --force to overwrite it.",
    explain:
      "The output folder holds a file of the same name as one that is to be generated, but its manifest (.dlc/manifest.json) does not list it. It may be yours, so dlc does not touch it.",
  },
  "output-not-a-file": {
    severity: "error",
    message: "{file} is a link or something else that dlc does not write through",
    help: "Remove it, or choose another output folder.",
    explain:
      "Generated files are written only inside the output folder. A symbolic link in it could lead elsewhere, so dlc follows none, with --force either. The folder that is given with --out may itself be a link.",
  },
  "output-not-writable": {
    severity: "error",
    message: "{folder} cannot be written: {reason}",
    help: "Make room or change the permissions, or choose another output folder. Building again repairs what is incomplete.",
    explain:
      "The operating system refused to make a folder or to write, replace or remove a file. Each file is replaced as a whole, so none is left half written, and the manifest announces a change before it is made, so that the next build finds its own files.",
  },
} as const satisfies Record<string, CatalogueEntry>;
