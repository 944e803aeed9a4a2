/** @file Diagnostics of the command line itself: arguments, files it is pointed at, places it writes to. */
import type { CatalogueEntry } from "../diagnostic.js";

export const cliEntries = {
  "bad-command-line": {
    severity: "error",
    message: "{problem}",
    help: "See dlc help and dlc help <command>.",
    explain:
      "The arguments do not fit the command: an unknown command or option, a missing or superfluous argument, or a value that is not among the choices. Nothing was done. Exit code 2.",
    wrong: "dlc trian spec.yaml",
    right: "dlc train spec.yaml",
  },
  "io-error": {
    severity: "error",
    message: "{reason}",
    help: "Check the path, the permissions and the free space.",
    explain:
      "The operating system refused to read or write a file. What had been saved before is intact. Exit code 74.",
  },
  "init-needs-a-start": {
    severity: "error",
    message: "init starts from a template or from data",
    help: "Add --template <name> (dlc init --list shows them) or --from <path>, not both.",
    explain:
      "A new project is either a copy of one of the models that come with dlc, or a spec that is made to fit data.",
    wrong: "dlc init my-model",
    right: "dlc init my-model --template mnist-cnn",
  },
  "unknown-template": {
    severity: "error",
    message: "there is no template '{name}'",
    help: "dlc init --list shows the templates.",
    explain: "Templates are the models that come with dlc.",
  },
  "damaged-package": {
    severity: "error",
    message: "the generated package cannot be loaded",
    help: "Build it again with dlc build --force, or the package of a run with dlc train.",
    explain:
      "Generated packages are written by dlc and not meant to be edited; `.dlc/manifest.json` in them says what they held. This one was edited or damaged since, so it does not load.",
  },
  "would-overwrite": {
    severity: "error",
    message: "{files} already exists",
    help: "Choose another place, or add --force.",
    explain: "Dlc does not replace files that it has not written unless it is told to.",
  },
  "not-a-folder": {
    severity: "error",
    message: "{path} is a file, and a folder is needed there",
    help: "Choose another folder.",
    explain: "The place that was given for a folder is taken by something else.",
  },
  "no-target": {
    severity: "error",
    message: "'{column}' cannot be predicted from this {kind} source",
    help: "Choose a column with --target.",
    explain:
      "A model learns to predict a category or a number. The column does not exist, or holds free text, images, vectors or nothing at all.",
  },
  "no-features": {
    severity: "error",
    message: "nothing is left to predict '{column}' from",
    help: "Fill missing values, or name other data.",
    explain:
      "Free text, and columns in which values are missing, are left out of a suggested spec. Without at least one other column there is no input.",
  },
  "no-trained-model": {
    severity: "error",
    message: "{path}: {reason}",
    help: "Train the model first: dlc train <spec>. Elsewhere than in 'runs', add --runs <folder>.",
    explain:
      "Evaluation and prediction use the package and the weights that training leaves in its run folder, runs/<name>. A generated package alone has no weights; name them with --weights.",
  },
  "input-unreadable": {
    severity: "error",
    message: "{file} cannot be read: {reason}",
    help: "Check the path; - reads JSON from stdin.",
    explain: "An input of dlc predict does not exist, may not be read, or is a folder.",
  },
  "unknown-pass": {
    severity: "error",
    message: "there is no pass '{name}'",
    help: "The message lists the passes.",
    explain: "--print-after takes the name of a pass of the optimiser.",
    wrong: "dlc build spec.yaml --print-after fuse",
    right: "dlc build spec.yaml --print-after fuse-linear",
  },
  "unknown-picture": {
    severity: "error",
    message: "{file} is neither .svg nor .html",
    help: "Name the file *.svg or *.html.",
    explain: "The ending of the file says which kind of picture dlc inspect --graph draws.",
  },
  "unknown-shell": {
    severity: "error",
    message: "there is no completion for '{shell}'",
    help: "Shells: bash, zsh, fish, powershell.",
    explain: "Completion scripts exist for four shells.",
  },
  "unknown-code": {
    severity: "error",
    message: "'{code}' is no diagnostic code and no part of a spec",
    help: "dlc explain lists all codes.",
    explain:
      "A code is what stands after 'error' or 'warning' in a message. Layers, sections, losses and the like, and settings go by the names that they have in specs.",
  },
} as const satisfies Record<string, CatalogueEntry>;
