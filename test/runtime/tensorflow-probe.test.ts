/** @file What is told of GPUs and packages before TensorFlow is loaded. Needs no TensorFlow. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { nvidiaGpu, unusedGpu } from "../../runtime/engines/tensorflow/gpu.js";
import {
  addonPath,
  bindingPackages,
  findBindings,
} from "../../runtime/engines/tensorflow/install.js";

/** A folder with these files, which is removed after the test. */
function folderWith(files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), "dlc-probe-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  return folder;
}

const driver = (version: string) => ({
  "proc/driver/nvidia/version": `NVRM version: NVIDIA UNIX x86_64 Kernel Module  ${version}  Sat Aug 19 01:15:15 UTC 2023\nGCC version: 12.3.0\n`,
});
const device = { "dev/nvidia0": "" };

describe("a machine", () => {
  it("without an NVIDIA GPU, or not handed into the container, has none to use", () => {
    expect(nvidiaGpu(folderWith({}), "linux")).toMatchObject({ availability: "absent", fix: null });
    const driverOnly = nvidiaGpu(folderWith(driver("535.104.05")), "linux");
    expect(driverOnly?.fix).toContain("--gpus all");
    expect(nvidiaGpu(folderWith(device), "darwin")?.detail).toContain("darwin");
  });

  it("with a GPU and its driver, or Windows' under WSL, is worth loading TensorFlow", () => {
    expect(nvidiaGpu(folderWith({ ...device, ...driver("535.104.05") }), "linux")).toBeNull();
    expect(nvidiaGpu(folderWith({ "dev/dxg": "" }), "linux")).toBeNull();
  });
});

describe("a GPU that TensorFlow does not use", () => {
  const library = "TensorFlow 2.21.0";
  const gpuPackage = (files: Readonly<Record<string, string>> = {}) => ({
    name: bindingPackages.gpu,
    folder: folderWith(files),
    addon: null,
  });

  it("has a package without GPU support, and the fix is the other", () => {
    const found = { ...gpuPackage(), name: bindingPackages.cpu };
    expect(unusedGpu(found, library)).toMatchObject({
      detail: `${library} is built for the CPU`,
      fix: "npx dlc setup tensorflow --gpu",
    });
  });

  it("has a driver that is too old", () => {
    for (const [version, short] of [
      ["470.256.02", "470.256"],
      ["515.65.01", "515.65"],
    ] as const) {
      const { detail, fix } = unusedGpu(gpuPackage(), library, folderWith(driver(version)));
      expect(detail).toContain(`the driver is ${short}`);
      expect(fix).toContain("525");
    }
  });

  it("lacks NVIDIA's libraries, or TensorFlow alone knows what", () => {
    const root = folderWith(driver("550.54.14"));
    expect(unusedGpu(gpuPackage(), library, root)).toMatchObject({
      fix: "npx dlc setup tensorflow --gpu",
    });
    const whole = gpuPackage({ "deps/nvidia/cudnn/lib/libcudnn.so.9": "" });
    expect(unusedGpu(whole, library, root)).toMatchObject({ fix: null });
    expect(unusedGpu(whole, library, root).detail).toContain("TF_CPP_MIN_LOG_LEVEL=0");
  });
});

it("finds the packages of a project, those with an addon first, and with GPU support", () => {
  const { cpu, gpu } = bindingPackages;
  const file = (name: string, path: string): string => `node_modules/${name}/${path}`;
  const bare = { [file(gpu, "package.json")]: "{}", [file(cpu, "package.json")]: "{}" };
  const project = (files: Readonly<Record<string, string>>): string => folderWith(files);
  const namesIn = (folder: string, addon: boolean): string[] =>
    findBindings(folder)
      .filter((found) => found.folder.startsWith(folder) && (found.addon !== null) === addon)
      .map(({ name }) => name);
  const cpuBuilt = project({ ...bare, [file(cpu, addonPath)]: "" });
  expect(namesIn(cpuBuilt, true)).toEqual([cpu]);
  expect(namesIn(cpuBuilt, false)).toEqual([gpu]);
  expect(findBindings(cpuBuilt)[0]?.addon).not.toBeNull();
  const both = project({ ...bare, [file(cpu, addonPath)]: "", [file(gpu, addonPath)]: "" });
  expect(namesIn(both, true)).toEqual([gpu, cpu]);
});
