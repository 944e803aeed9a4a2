/** @file The options of a run. A wrong one is an error that says what would be right. */
import { parseArgs } from "node:util";

export class UsageError extends Error {}

export const help = `usage: run.sh [options]

  --device <list>     engines or devices to measure, such as webgpu or onnx:webgpu,tensorflow:cuda
                      (default: every GPU that works; without one, onnx:cpu)
  --batches <list>    batch sizes (default 64,256,1024; with --quick 16)
  --models <list>     some of the nets (default: all)
  --seconds <number>  how long each measurement of a round takes (default 2; with --quick 0.5)
  --rounds <count>    rounds, in which all take turns (default 3; with --quick 2)
  --threads <count>   threads of the CPU (default: as many as the process may use)
  --software          measure emulated devices, too (a software Vulkan device)
  --quick             small and short: to see whether everything works
  --python <command>  the Python whose PyTorch takes part; none: no PyTorch (default python3)
  --timeout <seconds> the longest that one answer of a measured process may take (default 300)
  --out <file>        where the results go (default result.json in the current folder)
  --help              this text
`;

const flags = {
  device: { type: "string" },
  batches: { type: "string" },
  models: { type: "string" },
  seconds: { type: "string" },
  rounds: { type: "string" },
  threads: { type: "string" },
  software: { type: "boolean", default: false },
  quick: { type: "boolean", default: false },
  python: { type: "string", default: "python3" },
  timeout: { type: "string", default: "300" },
  out: { type: "string", default: "result.json" },
  help: { type: "boolean", default: false },
};

/**
 * Reads the arguments. `models`: names of the nets; `devices`: by engine; `threads`: the default.
 * Throws UsageError.
 */
export function parseOptions(args, { models, devices, threads }) {
  const values = parse(args);
  const { quick } = values;
  return {
    help: values.help,
    quick,
    software: values.software,
    devices: values.device === undefined ? null : devicesOf(list(values, "device"), devices),
    batches: unique(
      "batches",
      list(values, "batches", quick ? "16" : "64,256,1024").map((text) => whole("batches", text)),
    ),
    models: unique(
      "models",
      list(values, "models", models.join(",")).map((name) => known("models", name, models)),
    ),
    seconds: seconds("seconds", values.seconds ?? (quick ? "0.5" : "2")),
    rounds: whole("rounds", values.rounds ?? (quick ? "2" : "3")),
    threads: whole("threads", values.threads ?? String(threads)),
    python: values.python === "none" ? null : filled("python", values.python),
    timeout: seconds("timeout", values.timeout),
    out: filled("out", values.out),
  };
}

function parse(args) {
  try {
    return parseArgs({ args, options: flags, allowPositionals: false }).values;
  } catch (error) {
    throw new UsageError(error.message);
  }
}

function list(values, name, otherwise) {
  return (values[name] ?? otherwise).split(",").map((part) => filled(name, part.trim()));
}

function filled(name, text) {
  if (text === "") throw new UsageError(`--${name} has an empty value`);
  return text;
}

function unique(name, values) {
  const twice = values.find((value, i) => values.indexOf(value) !== i);
  if (twice !== undefined) throw new UsageError(`--${name} has ${twice} twice`);
  return values;
}

function whole(name, text) {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new UsageError(`--${name} takes whole numbers from 1, not '${text}'`);
}

function seconds(name, text) {
  const value = Number(text);
  if (/^\d*\.?\d+$/.test(text) && value > 0) return value;
  throw new UsageError(`--${name} takes a number of seconds above 0, not '${text}'`);
}

function known(name, value, names) {
  if (names.includes(value)) return value;
  throw new UsageError(`--${name}: there is no '${value}'; there is ${names.join(", ")}`);
}

/** Each name as pairs of engine and device: "webgpu" is that device of every engine that has it. */
function devicesOf(names, byEngine) {
  const all = Object.entries(byEngine).flatMap(([engine, devices]) =>
    devices.map((device) => ({ engine, device })),
  );
  const titles = all.map(({ engine, device }) => `${engine}:${device}`);
  return unique(
    "device",
    names.flatMap((name) => {
      const meant = all.filter((one, i) => titles[i] === name || one.device === name);
      if (meant.length > 0) return meant.map(({ engine, device }) => `${engine}:${device}`);
      throw new UsageError(`--device: there is no '${name}'; there is ${titles.join(", ")}`);
    }),
  );
}
