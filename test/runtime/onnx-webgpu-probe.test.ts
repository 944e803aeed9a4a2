/** @file What is said of machines with and without GPUs. The machines are made up; the attempt is not made. */
import { describe, expect, it } from "vitest";
import {
  type Attempt,
  type Machine,
  probeWebGpu,
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
    ["Failed to get a WebGPU adapter: No supported adapters", "nvidia0", "NVIDIA"],
    ["the driver ended the process that tried it (SIGSEGV)", "dri", "mesa-vulkan-drivers"],
  ])("says %j and what driver is missing", async ([error = "", device = "", fix]) => {
    const folders = device === "dri" ? { "/dev/dri": ["renderD128"] } : { "/dev": [device] };
    const probe = await probeWebGpu(machine({ folders, attempt: { error, opened: [] } }));
    expect(probe.availability).toBe("absent");
    expect(probe.detail).toBe(error);
    expect(probe.fix).toContain(fix);
  });
});
