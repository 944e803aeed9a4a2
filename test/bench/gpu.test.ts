/** @file The GPU benchmark's own parts: options, choice of devices, equality, turns, failures, table and sizes. */
import { describe, expect, it } from "vitest";
import { chooseDevices } from "../../bench/gpu/devices.mjs";
import { importsOf, unresolvedImports } from "../../bench/gpu/imports.mjs";
import { parseGpus } from "../../bench/gpu/machine.mjs";
import { measureGroup } from "../../bench/gpu/measure.mjs";
import { parseOptions, UsageError } from "../../bench/gpu/options.mjs";
import { endOf, Failure, failureOf, start } from "../../bench/gpu/process.mjs";
import {
  deviceName,
  exitCodeOf,
  ms,
  slug,
  tableOf,
  withoutPath,
  withRatios,
} from "../../bench/gpu/report.mjs";
import { busiest, growth, parseSample } from "../../bench/gpu/sampler.mjs";
import { largestBundle, sizeReport } from "../../bench/gpu/size.mjs";
import { compare, tolerance } from "../../bench/gpu/verify.mjs";
import { median } from "../../bench/rounds.mjs";

const known = {
  models: ["net", "other"],
  devices: { onnx: ["cuda", "webgpu", "cpu"], tfjs: ["webgpu", "cpu"] },
  threads: 3,
};
const options = (...args: string[]) => parseOptions(args, known);

describe("options", () => {
  it("default to all nets, three batch sizes and every device", () => {
    expect(options()).toMatchObject({
      models: ["net", "other"],
      batches: [64, 256, 1024],
      devices: null,
      threads: 3,
      software: false,
      python: "python3",
    });
  });

  it("are smaller with --quick, unless they are given", () => {
    const { batches, seconds, rounds } = options("--quick", "--rounds", "7");
    expect(Math.max(...batches)).toBeLessThan(64);
    expect(seconds).toBeLessThan(options().seconds);
    expect(rounds).toBe(7);
  });

  it("take a device of every engine that has it, or of one", () => {
    expect(options("--device", "webgpu").devices).toEqual(["onnx:webgpu", "tfjs:webgpu"]);
    expect(options("--device", "onnx:webgpu,onnx:cuda").devices).toEqual([
      "onnx:webgpu",
      "onnx:cuda",
    ]);
  });

  it("leave PyTorch out with --python none", () => {
    expect(options("--python", "none").python).toBeNull();
  });

  it.each([
    ["--device", "metal"],
    ["--device", "onnx:metal"],
    ["--device", "webgpu,onnx:webgpu"],
    ["--batches", "0"],
    ["--batches", "64,"],
    ["--batches", "64,64"],
    ["--batches", "1e3"],
    ["--models", "third"],
    ["--seconds", "0"],
    ["--seconds", "soon"],
    ["--rounds", "1.5"],
    ["--threads", "-1"],
    ["--timeout", "Infinity"],
    ["--out", ""],
    ["--speed", "9"],
    ["--software=yes"],
    ["extra"],
  ])("are refused when wrong: %s %s", (...args) => {
    expect(() => options(...args.filter((arg) => arg !== undefined))).toThrow(UsageError);
  });

  it("name what there is when a name is wrong", () => {
    expect(() => options("--models", "third")).toThrow("net, other");
    expect(() => options("--device", "metal")).toThrow("onnx:webgpu");
  });
});

const probe = (engine: string, device: string, availability: string) => ({
  engine,
  device,
  availability,
  detail: `about ${device}`,
  fix: "mend it",
});

describe("the choice of devices", () => {
  const probes = [
    probe("onnx", "cuda", "absent"),
    probe("onnx", "webgpu", "software"),
    probe("onnx", "cpu", "ready"),
    probe("tfjs", "wasm", "ready"),
  ];
  const chosen = (wanted: string[] | null, software: boolean, all = probes) =>
    chooseDevices(all, { wanted, software }).chosen.map(
      ({ engine, device }) => `${engine}:${device}`,
    );

  it("is every GPU that is ready, and no CPU beside it", () => {
    const gpus = [...probes, probe("tensorflow", "cuda", "ready")];
    expect(chosen(null, false, gpus)).toEqual(["tensorflow:cuda"]);
  });

  it("takes emulated devices only when they are allowed", () => {
    expect(chosen(null, false)).toEqual(["onnx:cpu"]);
    expect(chosen(null, true)).toEqual(["onnx:webgpu"]);
  });

  it("gives a reason for each device that was asked for in vain", () => {
    const wanted = ["onnx:cuda", "onnx:webgpu", "onnx:cpu"];
    const { chosen: found, refused } = chooseDevices(probes, { wanted, software: false });
    expect(found).toHaveLength(1);
    expect(refused.map(({ reason }) => reason)).toEqual([
      expect.stringContaining("mend it"),
      expect.stringContaining("--software"),
    ]);
  });
});

describe("equality", () => {
  const state = () => ({
    w: Float32Array.of(1, -2, 0.5),
    "w:m": Float32Array.of(0.1, 0.2, 1e-9),
    "w:v": Float32Array.of(1, 1, 1),
    buffer: Float32Array.of(4),
  });
  const reference = { losses: [2, 1, 0.5], state: state() };
  const changed = (name: "w" | "w:m" | "buffer", index: number, by: number) => {
    const other = state();
    other[name][index] = (other[name][index] ?? 0) + by;
    return compare({ losses: reference.losses, state: other }, reference).reason;
  };

  it("holds for the same numbers, and for differences within the tolerance", () => {
    expect(compare(reference, reference).reason).toBeNull();
    expect(changed("w", 0, tolerance.weights)).toBeNull();
    expect(changed("w:m", 0, 0.1 * tolerance.gradients)).toBeNull();
  });

  it("fails, and names the place, for a loss, a gradient, a weight or a buffer beyond it", () => {
    const losses = [2, 1 + 2 * tolerance.losses, 0.5];
    expect(compare({ losses, state: state() }, reference).reason).toContain("step 2");
    expect(changed("w:m", 1, 0.01)).toContain("w:m");
    expect(changed("w", 1, 0.1)).toContain("weights");
    expect(changed("buffer", 0, 0.1)).toContain("buffer");
  });

  it("fails for numbers that are none and for tensors that are missing", () => {
    expect(changed("w", 0, Number.NaN)).toContain("weights");
    const losses = [2, Number.NaN, 0.5];
    expect(compare({ losses, state: state() }, reference).reason).toContain("losses");
    const { w } = state();
    expect(compare({ losses: reference.losses, state: { w } }, reference).reason).not.toBeNull();
  });

  it("leaves out weights that Adam moved by the sign of a rounding error", () => {
    expect(changed("w", 2, 0.1)).toBeNull();
  });
});

const node = (script: string) => start(process.execPath, ["-e", script], {});
const answering = `
  console.log("a driver's chatter");
  console.log(JSON.stringify({ ready: { firstLoss: 1 } }));
  process.stdin.on("data", () => console.log(JSON.stringify({ times: [2, 4], loss: 0.5 })));`;
const idle = { now: async () => [], between: () => [], close: () => {} };
const contender = (title: string, script: string) => ({
  title,
  launch: () => node(script),
  asks: { "": {} },
});
const settings = {
  batch: 8,
  unit: "images",
  seconds: 0.1,
  rounds: 2,
  timeout: 10,
  sampler: idle,
};

describe("turns", () => {
  it("measure every contender in every round", async () => {
    const [group] = await measureGroup([contender("one", answering)], settings);
    expect(group).toEqual([
      expect.objectContaining({
        contender: "one",
        status: "measured",
        steps: 4,
        medianMs: 3,
        minMs: 2,
        perSecond: 8000 / 3,
        lastLoss: 0.5,
      }),
    ]);
  });

  it("lose one row only when a process crashes, fails, or does not answer", async () => {
    const groups = await measureGroup(
      [
        contender("crash", "process.kill(process.pid, 'SIGSEGV')"),
        contender("fails", `console.log(JSON.stringify({ error: "no such kernel" }))`),
        contender("mute", "setInterval(() => {}, 1000)"),
        contender("well", answering),
      ],
      { ...settings, timeout: 1 },
    );
    expect(groups.map(([row]) => row?.status)).toEqual([
      "crashed",
      "failed",
      "timeout",
      "measured",
    ]);
    expect(groups[0]?.[0]?.reason).toContain("SIGSEGV");
  });

  it("measure once more alone what has too little memory beside the others", async () => {
    let launches = 0;
    const memory = `console.log(JSON.stringify({ error: "CUDA out of memory" }))`;
    const large = {
      title: "large",
      launch: () => node(launches++ === 0 ? memory : answering),
      asks: { "": {} },
    };
    const groups = await measureGroup([contender("well", answering), large], settings);
    expect(groups[1]?.[0]).toMatchObject({ status: "measured", alone: true });
  });
});

describe("failures", () => {
  it.each([
    "CUDA out of memory. Tried to allocate 20 GiB",
    "torch.OutOfMemoryError",
    "VK_ERROR_OUT_OF_DEVICE_MEMORY",
    "terminate called after throwing an instance of 'std::bad_alloc'",
    "Failed to allocate memory for requested buffer of size 8589934592",
  ])("of memory are told apart: %s", (message) => {
    expect(failureOf(message).status).toBe("out-of-memory");
    expect(endOf(134, null, message).status).toBe("out-of-memory");
  });

  it("are those of memory by their code, too, and others are not", () => {
    expect(failureOf("no room", "out-of-device-memory").status).toBe("out-of-memory");
    expect(failureOf("no kernel for MaxPool").status).toBe("failed");
    expect(endOf(null, "SIGSEGV", "").status).toBe("crashed");
  });

  it("include a program that is missing", async () => {
    const child = start("no-such-program-anywhere", [], {});
    await expect(child.answer(10)).rejects.toThrow(Failure);
    await child.close();
  });
});

const measured = (by: string, medianMs: number, extra: object = {}) => ({
  model: "net",
  batch: 64,
  contender: by,
  status: "measured",
  medianMs,
  minMs: medianMs,
  perSecond: 64_000 / medianMs,
  ...extra,
});

describe("the report", () => {
  const rows = withRatios([
    measured("onnx:webgpu", 10, { gpuPercent: 80, gpuMiB: 512 }),
    measured("PyTorch", 20, { baseline: true }),
    {
      model: "net",
      batch: 1024,
      contender: "onnx:webgpu",
      status: "out-of-memory",
      reason: "full",
    },
  ]);

  it("has a line for each row, with its numbers or its reason", () => {
    const [head, , ...lines] = tableOf(rows).split("\n");
    expect(lines).toHaveLength(rows.length);
    expect(head).toContain("examples/s");
    expect(lines[0]).toMatch(/net +64 +onnx:webgpu +10\.00 +10\.00 +6400 +0\.50 +80 +512/);
    expect(lines[2]).toContain("out-of-memory: full");
  });

  it("compares with PyTorch only where both were measured with the same batch", () => {
    expect(rows.map((row) => ("ratio" in row ? row.ratio : null))).toEqual([0.5, 1, null]);
  });

  it("shows four digits that matter", () => {
    expect([0.01234, 1.23456, 12.3456, 1234.56].map(ms)).toEqual([
      "0.012",
      "1.235",
      "12.35",
      "1235",
    ]);
  });

  it("names the GPU, and says when a device is software", () => {
    const machine = { gpus: [{ name: "NVIDIA L4" }], cpu: "EPYC" };
    const software = probe("onnx", "webgpu", "software");
    expect(slug(deviceName({ machine, chosen: [] }))).toBe("nvidia-l4");
    const without = { ...machine, gpus: null };
    expect(deviceName({ machine: without, chosen: [software] })).toContain("software");
    expect(deviceName({ machine: without, chosen: [probe("onnx", "cpu", "ready")] })).toBe(
      "CPU EPYC",
    );
  });

  it("does not say where the benchmark lay", () => {
    const text = "imported from /home/me/b/app/node_modules/x.js";
    expect(withoutPath(text, "/home/me/b/app/")).toBe("imported from node_modules/x.js");
  });

  it("fails exactly if an engine is unequal or nothing was measured", () => {
    const equal = [{ status: "equal" }, { status: "crashed" }];
    expect(exitCodeOf({ equality: equal, rows })).toBe(0);
    expect(exitCodeOf({ equality: [...equal, { status: "unequal" }], rows })).toBe(1);
    expect(exitCodeOf({ equality: equal, rows: [{ status: "timeout" }] })).toBe(1);
  });
});

describe("statistics", () => {
  it("has the middle value, or the mean of the two middle ones", () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1, 2, 3])).toBe(2.5);
  });

  it("reads what nvidia-smi prints, and passes over anything else", () => {
    expect(parseSample("0, 87, 4096")).toEqual({ gpu: 0, utilisation: 87, memory: 4096 });
    expect(parseSample("Unable to determine the device handle")).toBeNull();
    expect(parseSample("0, [N/A], 4096")).toBeNull();
    expect(parseGpus("NVIDIA L4, 550.54, 23034 MiB, 8.9\n")).toEqual([
      { name: "NVIDIA L4", driver: "550.54", memory: "23034 MiB", computeCapability: "8.9" },
    ]);
  });

  it("follows the GPU that works, of several", () => {
    const samples = [
      { gpu: 0, utilisation: 0, memory: 100 },
      { gpu: 1, utilisation: 90, memory: 100 },
      { gpu: 1, utilisation: 70, memory: 700 },
    ];
    expect(busiest(samples)).toBe(80);
    expect(growth(samples.slice(0, 2), samples)).toBe(600);
    expect([busiest([]), growth([], [])]).toEqual([null, null]);
  });
});

describe("sizes", () => {
  it("are added up by part, and checked against the limit", () => {
    const part = (bytes: number) => ({ part: "node", bytes });
    const { lines, total } = sizeReport([part(2e6), part(1e6), { part: "data", bytes: 5e6 }]);
    expect(total).toBe(8e6);
    expect(lines).toEqual([
      expect.stringMatching(/^data +5\.00 MB$/),
      expect.stringMatching(/^node +3\.00 MB$/),
      expect.stringMatching(/^together +8\.00 MB$/),
    ]);
    expect(sizeReport([part(largestBundle)]).fits).toBe(true);
    expect(sizeReport([part(largestBundle), part(1)]).fits).toBe(false);
  });
});

describe("imports", () => {
  it("are found in all their forms, but not in comments", () => {
    const text = `/* import "hidden"; */
import a from "./a.js";
import { b,
  c } from "b";
export * from './d.js';
import "e";
const f = await import("f");
const g = require('g');
new Worker(new URL("./h.js", import.meta.url));`;
    expect(importsOf(text).toSorted()).toEqual(
      ["./a.js", "b", "./d.js", "e", "f", "g", "./h.js"].toSorted(),
    );
  });

  it("are reported when they lead nowhere", () => {
    const manifest = JSON.stringify({ exports: { ".": { default: "./dist/index.js" } } });
    const files = new Map<string, string | null>([
      [
        "a.js",
        'import "./b.js"; import "lib"; import "lib/deep"; import "node:fs"; import "more";',
      ],
      ["b.js", 'import "./c.js"; import "gone";'],
      ["node_modules/lib/package.json", manifest],
      ["node_modules/lib/dist/index.js", ""],
    ]);
    const missing = unresolvedImports(files, ["more"]);
    expect(missing.map(({ name }) => name)).toEqual(["lib/deep", "./c.js", "gone"]);
  });
});
