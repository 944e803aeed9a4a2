/** @file Which engine and device is chosen, over every combination of what a machine may have. */
import {
  type Availability,
  DlcError,
  type Engine,
  type EngineEntry,
  engineDevices,
  type Probe,
} from "@dlc/runtime";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { commands } from "../../compiler/cli/commands/index.js";
import { choose, startEngine } from "../../runtime/engines/select.js";

const devicesOf: Readonly<Record<string, readonly string[]>> = {
  onnx: ["cuda", "webgpu", "cpu", "tensorrt"],
  tensorflow: ["cuda", "cpu"],
  tfjs: ["cpu"],
};
const onRequest = ["tensorrt"];
const titles = Object.entries(devicesOf).flatMap(([name, devices]) =>
  devices.map((device) => `${name}:${device}`),
);
/** Best first; what "auto" leaves alone is not in it. */
const preferred = ["tensorflow:cuda", "onnx:cuda", "onnx:webgpu", "onnx:cpu"];

type Machine = Readonly<Record<string, Availability>>;

const probeOf = (title: string, availability: Availability): Probe => ({
  availability,
  detail: `${availability} for ${title}`,
  fix: availability === "absent" ? `install ${title}` : null,
});

function entriesOf(machine: Machine, started: string[] = []): readonly EngineEntry[] {
  return Object.entries(devicesOf).map(([name, devices]) => ({
    name,
    devices,
    onRequest: onRequest.filter((device) => devices.includes(device)),
    lacks: [],
    probe: async (device) => probeOf(`${name}:${device}`, machine[`${name}:${device}`] ?? "absent"),
    start: async (device, { threads }) => {
      started.push(`${name}:${device}`);
      return { name, device, threads } as Engine;
    },
  }));
}

const machines: fc.Arbitrary<Machine> = fc.record(
  Object.fromEntries(
    titles.map((title) => [title, fc.constantFrom<Availability>("ready", "software", "absent")]),
  ),
);
const engines = fc.constantFrom(undefined, "auto", ...Object.keys(devicesOf));
const devices = fc.constantFrom(undefined, "auto", ...new Set(Object.values(devicesOf).flat()));

/** The title of what is chosen, or the error. */
async function chosen(machine: Machine, engine?: string, device?: string) {
  try {
    const choice = await choose(entriesOf(machine), { engine, device });
    return { title: `${choice.entry.name}:${choice.device}`, choice };
  } catch (error) {
    if (!(error instanceof DlcError)) throw error;
    return { error };
  }
}
const isNamed = (name: string | undefined): name is string => name !== undefined && name !== "auto";

describe("choose", () => {
  it("takes what was named, and nothing else, or fails with exit code 5", async () => {
    await fc.assert(
      fc.asyncProperty(machines, engines, devices, async (machine, engine, device) => {
        const { title, error } = await chosen(machine, engine, device);
        if (error !== undefined) {
          expect(error).toMatchObject({ code: "engine-missing", reason: "environment" });
          expect(error.help).toEqual(expect.any(String));
          return;
        }
        const [name, on] = title.split(":");
        if (isNamed(engine)) expect(name).toBe(engine);
        if (isNamed(device)) expect(on).toBe(device);
        expect(machine[title]).not.toBe("absent");
      }),
    );
  });

  it("fails only where nothing that was asked for is usable", async () => {
    await fc.assert(
      fc.asyncProperty(machines, engines, devices, async (machine, engine, device) => {
        const { error } = await chosen(machine, engine, device);
        const fitting = titles.filter((title) => {
          const [name = "", on = ""] = title.split(":");
          if (isNamed(engine) && name !== engine) return false;
          if (isNamed(device)) return on === device && machine[title] !== "absent";
          const willing = isNamed(engine) ? !onRequest.includes(on) : preferred.includes(title);
          return willing && machine[title] === "ready";
        });
        expect(error === undefined).toBe(fitting.length > 0);
      }),
    );
  });

  it("takes a software device only where a device is named, and only if no other is ready", async () => {
    await fc.assert(
      fc.asyncProperty(machines, engines, devices, async (machine, engine, device) => {
        const { title = "", choice } = await chosen(machine, engine, device);
        if (choice?.probe.availability !== "software") return;
        expect(isNamed(device)).toBe(true);
        const ready = titles.filter(
          (other) =>
            other.endsWith(`:${device}`) &&
            machine[other] === "ready" &&
            (!isNamed(engine) || other.startsWith(`${engine}:`)),
        );
        expect([title, ready]).toEqual([title, []]);
      }),
    );
  });

  it("prefers, where nothing is named, a GPU with native gradients, then others, then the CPU", async () => {
    await fc.assert(
      fc.asyncProperty(machines, async (machine) => {
        const { title } = await chosen(machine);
        expect(title).toBe(preferred.find((one) => machine[one] === "ready"));
      }),
    );
  });

  it("leaves devices that are used on request alone until they are named", async () => {
    const all = Object.fromEntries(titles.map((title) => [title, "ready" as const]));
    const alone = { "onnx:tensorrt": "ready" as const };
    expect((await chosen(all, "onnx")).title).toBe("onnx:cuda");
    expect((await chosen(alone)).error).toBeDefined();
    expect((await chosen(alone, "onnx")).error).toBeDefined();
    expect((await chosen(alone, undefined, "tensorrt")).title).toBe("onnx:tensorrt");
  });

  it("says of everything that it passed over why, in order", async () => {
    const { choice } = await chosen({ "onnx:cpu": "ready", "onnx:webgpu": "software" });
    expect(
      choice?.passed.map(({ entry, device, probe }) => [entry.name, device, probe.detail]),
    ).toEqual([
      ["tensorflow", "cuda", "absent for tensorflow:cuda"],
      ["onnx", "cuda", "absent for onnx:cuda"],
      ["onnx", "webgpu", "software for onnx:webgpu"],
    ]);
  });

  it("names in its error what was asked for, the reason and the first command that helps", async () => {
    const { error } = await chosen({}, "tensorflow", "cpu");
    expect(error?.message).toBe(
      "tensorflow:cpu cannot be used (tensorflow:cpu: absent for tensorflow:cpu)",
    );
    expect(error?.help).toBe("Run: install tensorflow:cpu");
  });

  it.each([
    ["tpu", undefined, /no engine 'tpu'/, /'onnx', 'tensorflow', 'tfjs'/],
    [undefined, "npu", /no device called 'npu'/, /'cuda', 'webgpu', 'cpu'/],
    ["tfjs", "cuda", /no device of engine 'tfjs' called 'cuda'/, /'cpu'/],
  ])("refuses names that do not exist: %s, %s", async (engine, device, problem, help) => {
    const { error } = await chosen({}, engine, device);
    expect(error).toMatchObject({ code: "engine-missing", reason: "environment" });
    expect(error?.message).toMatch(problem);
    expect(error?.help).toMatch(help);
  });
});

describe("startEngine", () => {
  const start = async (machine: Machine, options: Parameters<typeof startEngine>[1]) => {
    const started: string[] = [];
    const { engine, why } = await startEngine(entriesOf(machine, started), options);
    return { started, engine, why };
  };

  it("starts what was chosen, and nothing else", async () => {
    const { started, engine } = await start({ "onnx:cpu": "ready" }, { threads: 3 });
    expect(started).toEqual(["onnx:cpu"]);
    expect(engine).toMatchObject({ name: "onnx", device: "cpu", threads: 3 });
  });

  it.each<[Machine, Parameters<typeof startEngine>[1], string]>([
    [{ "tensorflow:cuda": "ready" }, {}, "tensorflow:cuda (the best there is)"],
    [{ "onnx:cuda": "ready" }, {}, "onnx:cuda (not tensorflow:cuda: absent for tensorflow:cuda)"],
    [{ "onnx:cpu": "ready" }, { engine: "onnx", device: "cpu" }, "onnx:cpu, 2 threads (as asked)"],
    [
      { "tensorflow:cpu": "ready" },
      { engine: "tensorflow", threads: 1 },
      "tensorflow:cpu, 1 thread (as asked; not tensorflow:cuda: absent for tensorflow:cuda)",
    ],
    [
      { "onnx:webgpu": "software" },
      { device: "webgpu" },
      "onnx:webgpu (as asked; emulated on the CPU, slow)",
    ],
  ])("tells what was chosen and why: %j %j", async (machine, options, words) => {
    expect((await start(machine, { threads: 2, ...options })).why).toBe(words);
  });

  it.each([0, -1, 1.5, Number.NaN])("refuses %d threads", async (threads) => {
    await expect(start({ "onnx:cpu": "ready" }, { threads })).rejects.toMatchObject({
      code: "threads-invalid",
    });
  });
});

describe("the command line", () => {
  const named = (flag: string): readonly string[] =>
    commands
      .flatMap(({ options }) => options)
      .filter(({ flags }) => flags.startsWith(flag))
      .flatMap(({ choices = [] }) => choices);

  it("can name every engine and every device that there is, and nothing else", () => {
    const all = (names: readonly string[]): string[] => [...new Set(names)].sort();
    expect(all(named("--engine"))).toEqual(all(["auto", ...Object.keys(engineDevices)]));
    expect(all(named("--device"))).toEqual(all(["auto", ...Object.values(engineDevices).flat()]));
  });
});
