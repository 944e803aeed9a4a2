/**
 * @file Opens a session in a process of its own: a driver may end the process that loads it, or hang.
 */
import { execFile } from "node:child_process";
import { createGraph } from "./graph.js";
import { encodeModel } from "./model-proto.js";
import type { SessionOptions } from "./ort.js";

export interface SessionAttempt {
  /** Why there is no session; null where there is one. */
  readonly error: string | null;
  /** Libraries and device files that the process had open then. */
  readonly opened: readonly string[];
  /** What ONNX Runtime and drivers wrote: which library was missing, for example. */
  readonly log: string;
}

/** Milliseconds that a driver may take to start: some compile their first shaders then. */
const patience = 30_000;

/** Opens a session on a model (base64) and prints what is open then. Plain JavaScript: it runs by itself. */
const script = `
const [library, model, options] = process.argv.slice(1);
const { readdirSync, readFileSync, readlinkSync } = require("node:fs");
function opened() {
  if (process.platform !== "linux") {
    process.report.excludeNetwork = true;
    return process.report.getReport().sharedObjects;
  }
  const files = readdirSync("/proc/self/fd").flatMap((fd) => {
    try { return [readlinkSync("/proc/self/fd/" + fd)]; } catch { return []; }
  });
  const maps = readFileSync("/proc/self/maps", "utf8").split("\\n");
  return [...new Set([...files, ...maps.map((line) => line.slice(73).trim())])];
}
function tell(error) {
  const list = error === null ? opened().filter((name) => /vulkan|vk_|dri|nvidia|dxg|warp/i.test(name)) : [];
  process.stdout.write(JSON.stringify({ error, opened: list }), () => process.exit(0));
}
require(library).InferenceSession.create(Buffer.from(model, "base64"), JSON.parse(options))
  .then(() => tell(null), (error) => tell(String(error && error.message || error)));
`;

/** The smallest model that needs the device. */
function smallestModel(): Uint8Array {
  const graph = createGraph();
  const x = graph.input("x", "f32", [4]);
  return encodeModel(graph.model(graph.node("Relu", [x], {}, [x])));
}

/** `library` is the file that `require` loads ONNX Runtime from. The CPU is refused. Never throws. */
export function attemptSession(library: string, session: SessionOptions): Promise<SessionAttempt> {
  const model = Buffer.from(smallestModel()).toString("base64");
  // Errors are logged: they say more than what is thrown.
  const options: SessionOptions = { logSeverityLevel: 3, ...session };
  return new Promise((resolve) => {
    const args = ["-e", script, "--", library, model, JSON.stringify(options)];
    execFile(process.execPath, args, { timeout: patience }, (error, stdout, log) => {
      try {
        resolve({ ...(JSON.parse(stdout) as Omit<SessionAttempt, "log">), log });
      } catch {
        const { killed = false, signal, code } = error ?? {};
        const end = signal ?? `exit ${code ?? 0}`;
        const why = killed
          ? `the driver did not answer within ${patience / 1000} s`
          : `the driver ended the process that tried it (${end})`;
        resolve({ error: why, opened: [], log });
      }
    });
  });
}
