/** @file What is said of machines with and without GPUs. The machines are made up; the attempt is not made. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import {
  type Attempt,
  type Machine,
  probeWebGpu,
  thisMachine,
} from "../../runtime/engines/onnx/probe-webgpu.js";

interface Described {
  readonly platform?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly folders?: Readonly<Record<string, readonly string[]>>;
  readonly files?: Readonly<Record<string, string>>;
  readonly attempt?: Attempt;
}

const machine = ({
  platform = "linux",
  env = {},
  folders = {},
  files = {},
  attempt,
}: Described): Machine => ({
  platform,
  env,
  list: (folder) => folders[folder] ?? [],
  text: (path) => files[path] ?? "",
  async attempt() {
    if (attempt === undefined) throw new Error("no driver should have been tried");
    return attempt;
  },
});

const opened = (...files: readonly string[]): Attempt => ({ error: null, opened: files });
const swiftShader = "/usr/lib/libvk_swiftshader.so";

describe("the probe for WebGPU", () => {
  it("tries no driver where Linux has no GPU and none was named", async () => {
    const probe = await probeWebGpu(machine({ folders: { "/dev": ["null"] } }));
    expect(probe).toMatchObject({ availability: "absent" });
    expect(probe.detail).toContain("/dev/dri");
  });

  it.for([
    [
      "an NVIDIA GPU",
      {
        folders: { "/dev": ["nvidia0"], "/proc/driver/nvidia/gpus": ["0000:01:00.0"] },
        files: {
          "/proc/driver/nvidia/gpus/0000:01:00.0/information": "Model: \t NVIDIA L4\nIRQ: 1",
        },
        attempt: opened("/dev/nvidiactl", "/dev/nvidia0"),
      },
      "NVIDIA L4 through Vulkan",
    ],
    [
      "an AMD GPU beside an emulation",
      {
        folders: { "/dev/dri": ["card0", "renderD128"], "/sys/class/drm": ["renderD128"] },
        files: { "/sys/class/drm/renderD128/device/vendor": "0x1002\n" },
        attempt: opened("/usr/lib/libvulkan_lvp.so", "/dev/dri/renderD128"),
      },
      "AMD through Vulkan",
    ],
    ["a Mac", { platform: "darwin", attempt: opened() }, "a GPU through Metal"],
    [
      "Windows with a driver",
      {
        platform: "win32",
        attempt: opened(
          "C:\\Windows\\System32\\d3d10warp.dll",
          "C:\\Windows\\System32\\DriverStore\\FileRepository\\nv_disp\\nvwgf2umx.dll",
        ),
      },
      "a GPU through Direct3D 12",
    ],
  ] as const)("finds %s ready", async ([, described, detail]) => {
    expect(await probeWebGpu(machine(described))).toEqual({
      availability: "ready",
      detail,
      fix: null,
    });
  });

  it.for([
    [
      "SwiftShader",
      { env: { VK_ICD_FILENAMES: "/swiftshader.json" }, attempt: opened(swiftShader) },
    ],
    [
      "SwiftShader",
      {
        env: { VK_ICD_FILENAMES: "/swiftshader.json" },
        folders: { "/dev/dri": ["renderD128"] },
        attempt: opened(swiftShader),
      },
    ],
    ["llvmpipe", { folders: { "/dev/dri": ["renderD128"] }, attempt: opened("/libvulkan_lvp.so") }],
    ["WARP", { platform: "win32", attempt: opened("C:\\Windows\\System32\\d3d10warp.dll") }],
  ] as const)("takes %s for an emulation", async ([name, described]) => {
    const probe = await probeWebGpu(machine(described));
    expect(probe).toMatchObject({ availability: "software", fix: expect.any(String) });
    expect(probe.detail).toContain(name);
  });

  it.for([
    ["AMD or Intel", {}, "sudo apt install libvulkan1 mesa-vulkan-drivers"],
    [
      "NVIDIA",
      {
        folders: { "/dev": ["nvidia0"] },
        files: {
          "/proc/driver/nvidia/version":
            "NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.183.01  Sun May 12\n",
        },
      },
      "sudo apt install libvulkan1 libnvidia-gl-535",
    ],
    [
      "NVIDIA in a container",
      { folders: { "/dev": ["nvidia0"] }, env: { NVIDIA_VISIBLE_DEVICES: "all" } },
      "docker run --gpus all -e NVIDIA_DRIVER_CAPABILITIES=all …",
    ],
    ["a Mac", { platform: "darwin" }, null],
  ] as const)("says what driver is missing for %s", async ([, described, fix]) => {
    const error = "webgpu_context.cc:136 Failed to get a WebGPU adapter: No supported adapters\n";
    const folders = { "/dev/dri": ["renderD128"] };
    const probe = await probeWebGpu(
      machine({ folders, ...described, attempt: { error, opened: [] } }),
    );
    expect(probe).toEqual({
      availability: "absent",
      detail: "Failed to get a WebGPU adapter: No supported adapters",
      fix,
    });
  });

  it("passes on what became of a driver that ended its process", async () => {
    const error = "the driver ended the process that tried it (SIGSEGV)";
    const probe = await probeWebGpu(
      machine({ folders: { "/dev/dri": ["renderD128"] }, attempt: { error, opened: [] } }),
    );
    expect(probe).toMatchObject({ availability: "absent", detail: error });
  });

  it("survives a library that ends the process, and one that is not there", async () => {
    const folder = mkdtempSync(join(tmpdir(), "dlc-driver-"));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const crashing = join(folder, "crashing.cjs");
    writeFileSync(crashing, "process.kill(process.pid, 'SIGKILL')");
    for (const [library, error] of [
      [crashing, /^the driver ended the process that tried it \(SIGKILL\)$/],
      [join(folder, "missing.cjs"), /^the driver ended the process that tried it \(exit 1\)$/],
    ] as const) {
      expect((await thisMachine(library).attempt()).error).toMatch(error);
    }
  });
});
