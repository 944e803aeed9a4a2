/**
 * @file How an engine presents itself: what devices it knows, whether each is usable on this machine, and
 * how it is started. Entries load nothing of their engine until they are asked.
 */
import type { Engine } from "../engine.js";
import type { OpKind } from "../ops.js";

/**
 * ready: works, on hardware that it is meant for. software: works, but emulated on the CPU (a software
 * Vulkan device): named explicitly it is used, "auto" never takes it. absent: does not work here.
 */
export type Availability = "ready" | "software" | "absent";

export interface Probe {
  readonly availability: Availability;
  /** What was found, or why it is absent, in a few words: "no GPU: there is no /dev/dri". */
  readonly detail: string;
  /** The one command or step that makes it available; null where there is nothing to do. */
  readonly fix: string | null;
}

export interface StartOptions {
  /** Threads of one operation, where the device has them. */
  readonly threads: number;
}

export interface EngineEntry {
  /** What `--engine` calls it. */
  readonly name: string;
  /** What `--device` calls its devices, best first. */
  readonly devices: readonly string[];
  /** Devices that "auto" leaves alone: they are used when they are named. */
  readonly onRequest: readonly string[];
  /** Ops that it leaves to the compiler's expansions. */
  readonly lacks: readonly OpKind[];
  /**
   * Is the device usable here? Never throws, never ends the process (a driver may: look before loading), and
   * answers in well under a second where there is no such hardware.
   */
  probe(device: string): Promise<Probe>;
  /** Starts the engine on a device that `probe` found usable. Throws DlcError "engine-missing" where it is not. */
  start(device: string, options: StartOptions): Promise<Engine>;
}
