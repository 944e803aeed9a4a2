/** @file The command table: what `dlc` can do, in the order of the help. */
import type { CommandDef, OptionDef } from "../command.js";

const spec = {
  name: "spec",
  description: "the YAML model definition",
  required: true,
} as const;

const specOrRun = {
  name: "model",
  description: "a trained model: its spec.yaml, its run folder or a generated package",
  required: true,
} as const;

function nameAndValue(text: string): readonly [string, string] {
  const at = text.indexOf("=");
  if (at < 1) throw new Error("It is <parameter>=<value>.");
  return [text.slice(0, at), text.slice(at + 1)];
}
function wholeNumber(text: string): number {
  if (!/^[1-9]\d{0,5}$/.test(text)) throw new Error("It is a whole number from 1 to 999999.");
  return Number(text);
}

/** A number from its text: 0.7, .5, 1e-9. */
function decimal(text: string): number {
  const isNumber = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text);
  if (!isNumber || !Number.isFinite(Number(text))) throw new Error("It is a number, such as 0.7.");
  return Number(text);
}

function seedNumber(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new Error("It is a whole number from 0 to 999999999.");
  return Number(text);
}

function folder(text: string): string {
  if (text.trim() === "") throw new Error("It is the path of a folder; . is the current one.");
  return text;
}

const set: OptionDef = {
  flags: "--set <name=value>",
  description: "override a parameter of the spec",
  repeatable: true,
  check: nameAndValue,
};
const runs: OptionDef = {
  flags: "--runs <folder>",
  description: "where run folders live",
  default: "runs",
  check: folder,
};
const weights: OptionDef = {
  flags: "--weights <path>",
  description: "a run folder, its best or last, a checkpoint or a safetensors file",
};
const engineOptions: readonly OptionDef[] = [
  {
    flags: "--engine <name>",
    description: "what executes the programs",
    choices: ["auto", "onnx", "tensorflow", "tfjs"],
    default: "auto",
  },
  {
    flags: "--device <name>",
    description: "where they run",
    choices: ["auto", "cpu", "wasm", "webgpu", "cuda", "tensorrt", "directml", "coreml"],
    default: "auto",
  },
  {
    flags: "--threads <count>",
    description: "CPU threads; all cores if not given",
    check: wholeNumber,
  },
];
const force: OptionDef = {
  flags: "--force",
  description: "overwrite files that were edited or that dlc did not write",
};
const watch: OptionDef = { flags: "--watch", description: "run again whenever the spec changes" };

export const commands: readonly CommandDef[] = [
  {
    name: "init",
    summary: "start a project from a template or by looking at data",
    examples: [
      ["init digits --template mnist-cnn", "a folder with a spec that trains as it is"],
      ["init churn --from customers.csv --target churned", "a spec that fits the table"],
      ["init pets --from photos/", "a spec for a folder of images per class"],
    ],
    arguments: [{ name: "folder", description: "the folder to make", required: false }],
    options: [
      { flags: "--template <name>", description: "one of the models that come with dlc" },
      { flags: "--from <path>", description: "a CSV file, a folder of images, an IDX file" },
      { flags: "--target <column>", description: "what to predict (default: the last column)" },
      { flags: "--list", description: "list the templates" },
      { flags: "--force", description: "write into a folder that has files of these names" },
    ],
    load: () => import("./init.js"),
  },
  {
    name: "validate",
    summary: "check specs: structure, references, shapes, data; nothing runs",
    examples: [
      ["validate spec.yaml", "every mistake at once, with place and remedy"],
      ["validate spec.yaml --fix", "and apply the fixes that are certain"],
      ["validate --watch spec.yaml", "again at every save"],
    ],
    arguments: [{ ...spec, variadic: true }],
    options: [
      { flags: "--fix", description: "apply fixes that are certain" },
      {
        flags: "--no-data",
        description:
          "read data only where the spec cannot be checked without (statistics, classes)",
      },
      set,
      watch,
    ],
    load: () => import("./validate.js"),
  },
  {
    name: "build",
    summary: "compile a spec into a TypeScript package",
    examples: [
      ["build spec.yaml", "writes generated/<name>"],
      ["build spec.yaml --check", "exit code 3 if what is there differs"],
      ["build spec.yaml --print-after fuse-linear", "the graphs after a pass"],
    ],
    arguments: [spec],
    options: [
      {
        flags: "-o, --out <folder>",
        description: "where the package's folder goes",
        default: "generated",
        check: folder,
      },
      {
        flags: "--check",
        description: "write nothing; exit 3 and show the difference if files differ",
      },
      force,
      set,
      watch,
      {
        flags: "--print-after <pass>",
        description: "print the graphs after this pass",
        repeatable: true,
      },
      { flags: "--time", description: "print how long every stage and pass took" },
    ],
    load: () => import("./build.js"),
  },
  {
    name: "train",
    summary: "compile and train; the same command again continues",
    examples: [
      ["train spec.yaml", "into runs/<name>: package, checkpoints, metrics"],
      ["train spec.yaml --fresh", "from the beginning"],
      ["train spec.yaml --set width=128", "with another parameter"],
    ],
    arguments: [spec],
    options: [
      runs,
      { flags: "--fresh", description: "discard an earlier run of this name" },
      set,
      ...engineOptions,
    ],
    load: () => import("./train.js"),
  },
  {
    name: "eval",
    summary: "measure a trained model on held-out data",
    examples: [
      ["eval spec.yaml", "loss, metrics, confusion matrix on the test split"],
      ["eval runs/mnist-cnn --split validation", "of a run folder"],
    ],
    arguments: [specOrRun],
    options: [
      {
        flags: "--split <name>",
        description: "which rows",
        choices: ["test", "validation", "train"],
      },
      weights,
      runs,
      ...engineOptions,
    ],
    load: () => import("./eval.js"),
  },
  {
    name: "predict",
    summary: "apply a trained model to files or to JSON from stdin",
    examples: [
      ["predict spec.yaml seven.png", "one JSON line for each input"],
      ["predict runs/iris-mlp new.csv", "every row of a table"],
      ["predict runs/iris-mlp < rows.ndjson", "one JSON object per line in, one out"],
    ],
    arguments: [
      specOrRun,
      {
        name: "inputs",
        description: "image, CSV, JSON or NDJSON files; none or - for stdin",
        required: false,
        variadic: true,
      },
    ],
    options: [weights, runs, ...engineOptions],
    load: () => import("./predict.js"),
  },
  {
    name: "generate",
    summary: "make new examples with a trained model: pictures, texts",
    examples: [
      ["generate runs/mnist-vae", "64 pictures on one sheet, generated.png in the run folder"],
      ["generate runs/digits --given digit=7 --count 16 --out sevens.png", "on condition"],
      ["generate runs/poet --prompt Once --method sample --count 5", "go on from there"],
      ["generate runs/plurals --given word=fox --method beam --candidates 3", "the best three"],
      ["generate runs/plurals --given word=fox --given word=ox", "a text for each, a line each"],
    ],
    arguments: [specOrRun],
    options: [
      {
        flags: "--count <number>",
        description: "how many examples (pictures: 64, texts: 1)",
        check: wholeNumber,
      },
      {
        flags: "--seed <number>",
        description: "the same seed makes the same examples",
        check: seedNumber,
      },
      {
        flags: "--given <feature=value>",
        description:
          "what they are made for, if the model has conditions; a value for each example, or one for all",
        repeatable: true,
        check: nameAndValue,
      },
      { flags: "-o, --out <file>", description: "where the picture goes, a .png file" },
      {
        flags: "--prompt <text>",
        description: "what the text begins with; several times for several texts",
        repeatable: true,
      },
      {
        flags: "--method <name>",
        description: "how tokens are chosen (default: as the spec says)",
        choices: ["greedy", "sample", "beam"],
      },
      {
        flags: "--temperature <number>",
        description: "sample: below 1 the probable becomes more probable",
        check: decimal,
      },
      {
        flags: "--top-k <number>",
        description: "sample: only the so many most probable tokens",
        check: wholeNumber,
      },
      {
        flags: "--top-p <number>",
        description: "sample: only the most probable tokens with this probability together",
        check: decimal,
      },
      {
        flags: "--beams <number>",
        description: "beam: how many beginnings are followed",
        check: wholeNumber,
      },
      {
        flags: "--length-penalty <number>",
        description: "beam: above 0 longer texts are preferred",
        check: decimal,
      },
      {
        flags: "--candidates <number>",
        description: "beam: print so many of the best, a line each",
        check: wholeNumber,
      },
      {
        flags: "--max-length <number>",
        description: "the most tokens, prompt and end included",
        check: wholeNumber,
      },
      weights,
      runs,
      ...engineOptions,
    ],
    load: () => import("./generate.js"),
  },
  {
    name: "inspect",
    summary: "show a model: layers, shapes, parameters, FLOPs, memory",
    examples: [
      ["inspect spec.yaml", "the table of layers"],
      ["inspect spec.yaml --resolved", "every value and where it comes from"],
      ["inspect spec.yaml --weights", "where the first value of every weight comes from"],
      ["inspect spec.yaml --graph model.svg", "a picture (or .html)"],
    ],
    arguments: [spec],
    options: [
      { flags: "--resolved", description: "print the spec with every default and its origin" },
      { flags: "--weights", description: "print what each weight starts from, and what is frozen" },
      { flags: "--graph <file>", description: "write a picture of the model: .svg or .html" },
      set,
    ],
    load: () => import("./inspect.js"),
  },
  {
    name: "explain",
    summary: "explain a diagnostic code, or a layer, section or setting of a spec",
    examples: [
      ["explain shape-mismatch", "why it is a mistake, wrong and right"],
      ["explain conv2d", "what it does, its settings and an example"],
    ],
    arguments: [
      {
        name: "name",
        description: "a diagnostic code (none: list all), or a layer, section, loss, setting, …",
        required: false,
      },
    ],
    options: [],
    load: () => import("./explain.js"),
  },
  {
    name: "setup",
    summary: "make an engine work that npm alone does not bring",
    examples: [
      ["setup tensorflow", "TensorFlow on the CPU, in this project"],
      ["setup tensorflow --gpu", "on an NVIDIA GPU; brings CUDA's libraries"],
      ["setup tensorflow --dry-run", "what would be done, and how much it takes"],
    ],
    arguments: [
      { name: "engine", description: "tensorflow", required: true, words: ["tensorflow"] },
    ],
    options: [
      { flags: "--gpu", description: "with CUDA kernels, for an NVIDIA GPU" },
      {
        flags: "--from <route>",
        description:
          "package: the npm package's own download; wheel: built against a TensorFlow wheel",
        choices: ["auto", "package", "wheel"],
        default: "auto",
      },
      { flags: "--wheel <file>", description: "a TensorFlow wheel that you have, not to download" },
      { flags: "--no-save", description: "leave package.json as it is" },
      { flags: "--dry-run", description: "tell what would be done, and do nothing" },
    ],
    load: () => import("./setup/setup.js"),
  },
  {
    name: "doctor",
    summary: "check this machine: engines, libraries, and how to fix what is missing",
    examples: [
      ["doctor", "one line for each part; every engine that is found computes a small program"],
      ["doctor --matrix", "which ops each engine has kernels for"],
    ],
    arguments: [],
    options: [
      {
        flags: "--matrix",
        description: "how every engine computes every op: native, expanded, unsupported",
      },
    ],
    load: () => import("./doctor.js"),
  },
  {
    name: "completion",
    summary: "print a completion script for your shell",
    examples: [
      ["completion bash > ~/.local/share/bash-completion/completions/dlc", "for bash"],
      ["completion fish > ~/.config/fish/completions/dlc.fish", "for fish"],
    ],
    arguments: [
      {
        name: "shell",
        description: "bash, zsh, fish or powershell",
        required: true,
        words: ["bash", "zsh", "fish", "powershell"],
      },
    ],
    options: [],
    load: () => import("./completion.js"),
  },
];
