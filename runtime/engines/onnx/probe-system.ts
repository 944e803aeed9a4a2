/** @file Is there what the operating system brings: DirectML on Windows, Core ML on macOS? */
import type { Probe } from "../entry.js";
import type { SessionAttempt } from "./attempt-session.js";
import type { SessionOptions } from "./ort.js";

const systems: Readonly<Record<string, { readonly platform: string; readonly name: string }>> = {
  directml: { platform: "win32", name: "DirectML on Windows" },
  coreml: { platform: "darwin", name: "Core ML on macOS" },
};

/** Both come with onnxruntime-node on their systems. Never throws. */
export async function probeSystem(
  machine: {
    readonly platform: string;
    attempt(session: SessionOptions): Promise<SessionAttempt>;
  },
  device: string,
  session: SessionOptions,
): Promise<Probe> {
  const system = systems[device];
  if (system === undefined) throw new Error(`no operating system brings '${device}'`);
  if (machine.platform !== system.platform) {
    const detail = `there is ${system.name} only, and this is ${machine.platform}`;
    return { availability: "absent", detail, fix: null };
  }
  const { error } = await machine.attempt(session);
  return error === null
    ? { availability: "ready", detail: system.name, fix: null }
    : { availability: "absent", detail: error.split("\n")[0] ?? error, fix: null };
}
