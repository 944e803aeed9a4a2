/** @file ONNX Runtime for pages: the one file that names onnxruntime-web. */
import { DlcError } from "../../errors.js";
import type { InferenceSession, Ort, Tensor } from "./ort.js";

/** The version that was tested. */
export const webPackage = "onnxruntime-web@1.30.0";

type Web = typeof import("onnxruntime-web");

/**
 * A build for each device: the one with WebGPU is twice as large. Literal names, so that bundlers find them; each
 * names its .wasm file by `new URL(…, import.meta.url)`, so that bundlers bring it along.
 */
const builds: Readonly<Record<string, () => Promise<Web>>> = {
  cpu: () => import("onnxruntime-web/wasm"),
  webgpu: () => import("onnxruntime-web/webgpu"),
};

/** Imports the library for a device. Throws DlcError "engine-missing" where it is not installed. */
export async function importOrt(device: string): Promise<Web> {
  const build = builds[device];
  if (build === undefined) throw new Error(`the onnx engine has no device '${device}' in a page`);
  try {
    return await build();
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message.split("\n")[0] : String(cause);
    throw new DlcError("engine-missing", `onnxruntime-web cannot be loaded: ${reason}`, {
      help: `Run: npm install ${webPackage}`,
      reason: "environment",
      cause,
    });
  }
}

/** Threads need memory that they share, which a page has only if it is isolated from others by its headers. */
export const mayShareMemory = (): boolean =>
  (globalThis as { readonly crossOriginIsolated?: boolean }).crossOriginIsolated === true;

/** Threads per build, from when it was started: it has one pool of them, which keeps its size. */
const pools = new Map<string, number>();

/** The library ready to open sessions, and how many threads they have. */
export async function loadOrtWeb(
  device: string,
  threads: number,
): Promise<{ readonly ort: Ort; readonly threads: number }> {
  const web = await importOrt(device);
  const pool = pools.get(device) ?? (mayShareMemory() ? threads : 1);
  pools.set(device, pool);
  web.env.wasm.numThreads = pool;
  return { ort: fillingTensors(web), threads: pool };
}

type Fetches = Parameters<InferenceSession["run"]>[1];

/**
 * onnxruntime-web does not write into tensors that are handed to it for results: the session writes into
 * copies of them, in its own memory. Here they are filled, as onnxruntime-node does.
 */
function fillingTensors(web: Web): Ort {
  async function create(...args: Parameters<Web["InferenceSession"]["create"]>) {
    const session = await web.InferenceSession.create(...args);
    const run = session.run.bind(session);
    const filling = async (
      feeds: Record<string, Tensor>,
      fetches?: Fetches,
    ): Promise<InferenceSession.ReturnType> => {
      if (fetches === undefined) return run(feeds);
      if (Array.isArray(fetches)) return run(feeds, fetches);
      const made = await run(feeds, Object.keys(fetches));
      for (const [name, tensor] of Object.entries(fetches)) {
        const result = made[name];
        if (result === undefined || tensor === null) throw new Error(`no result '${name}'`);
        (tensor as Tensor & { data: Float32Array }).data.set(result.data as Float32Array);
      }
      return fetches as InferenceSession.ReturnType;
    };
    return Object.assign(session, { run: filling });
  }
  return { InferenceSession: { create }, Tensor: web.Tensor } as unknown as Ort;
}
