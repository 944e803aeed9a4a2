/**
 * @file How an engine presents itself: what devices it knows, whether each is usable on this machine, and
 * how it is started. Entries load nothing of their engine until they are asked.
 */
import type { Engine } from "../engine.js";
import type { OpKind } from "../ops.js";
import type { Program, StateSpec } from "../program.js";

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

/** A program to be recorded, and the state that it works on. */
export interface ToRecord {
  readonly program: Program;
  readonly batch: number;
  readonly state: Readonly<Record<string, StateSpec>>;
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
   * answers in well under a second where there is no such hardware. `options` are those it will be started with, if
   * it is: what a library takes when it is loaded must not be settled by a probe.
   */
  probe(device: string, options?: StartOptions): Promise<Probe>;
  /** Starts the engine on a device that `probe` found usable. Throws DlcError "engine-missing" where it is not. */
  start(device: string, options: StartOptions): Promise<Engine>;
  /**
   * The native kernels that a program becomes on a device, by their names, in order, without those that only
   * hand values on. It computes nothing on the device and needs no such hardware. Throws DlcError
   * "engine-missing" where it needs a package that is not installed.
   */
  kernelsOf?(device: string, recorded: ToRecord): Promise<readonly string[]>;
}
