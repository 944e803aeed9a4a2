/** @file Whether a page has a GPU, through WebGPU or WebGL, and whether that is one of software. */

export interface GpuProbe {
  readonly usable: boolean;
  readonly software: boolean;
  readonly detail: string;
}

/** The parts of a browser that are asked here. */
interface Page {
  readonly navigator?: {
    readonly gpu?: { requestAdapter(): Promise<Adapter | null> };
  };
  readonly OffscreenCanvas?: new (width: number, height: number) => Canvas;
}
interface Adapter {
  readonly isFallbackAdapter?: boolean;
  readonly info?: {
    readonly isFallbackAdapter?: boolean;
    readonly vendor?: string;
    readonly architecture?: string;
    readonly description?: string;
  };
}
interface Canvas {
  getContext(kind: "webgl2"): Context | null;
}
interface Context {
  getExtension(name: string): { readonly loseContext?: () => void } | null;
  getParameter(what: number): unknown;
}

/** UNMASKED_RENDERER_WEBGL of WEBGL_debug_renderer_info. */
const unmaskedRenderer = 0x9246;

const emulators = /swiftshader|llvmpipe|softpipe|software|basic render/i;

const absent = (detail: string): GpuProbe => ({ usable: false, software: false, detail });

function found(description: string, software: boolean): GpuProbe {
  const detail = description === "" ? "a GPU" : description;
  return {
    usable: true,
    software,
    detail: software ? `only an emulation of a GPU (${detail})` : detail,
  };
}

async function probeWebgpu({ navigator }: Page): Promise<GpuProbe> {
  const adapter = await navigator?.gpu?.requestAdapter();
  if (!adapter) return absent("there is no WebGPU here");
  const { vendor = "", architecture = "", description = "" } = adapter.info ?? {};
  const title = [vendor, architecture, description].filter((part) => part !== "").join(" ");
  const fallback = adapter.isFallbackAdapter === true || adapter.info?.isFallbackAdapter === true;
  return found(title, fallback || emulators.test(title));
}

function probeWebgl({ OffscreenCanvas }: Page): GpuProbe {
  const context =
    OffscreenCanvas === undefined ? null : new OffscreenCanvas(1, 1).getContext("webgl2");
  if (context === null) return absent("there is no WebGL 2 here");
  const title = context.getExtension("WEBGL_debug_renderer_info")
    ? String(context.getParameter(unmaskedRenderer))
    : "";
  const float = context.getExtension("EXT_color_buffer_float") !== null;
  context.getExtension("WEBGL_lose_context")?.loseContext?.();
  return float
    ? found(title, emulators.test(title))
    : absent(`WebGL on ${title} does not compute with 32 bits`);
}

/** What there is for a device that is a GPU; null for one that is not. */
export async function probePageGpu(device: string): Promise<GpuProbe | null> {
  const page = globalThis as Page;
  if (device === "webgpu") return probeWebgpu(page);
  return device === "webgl" ? probeWebgl(page) : null;
}
