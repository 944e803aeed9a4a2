/**
 * @file What an engine must do: hold state on its device and execute recorded programs.
 * What it must not do: know layers, losses, data or training; fall back to another device silently.
 */
import type { Program, Scalars, StateSpec } from "./program.js";
import type { HalfType, HostTensor } from "./tensor.js";

/** State tensors on the engine's device. Only the engine that made it can use it. */
export interface DeviceState {
  /** Copies tensors to the host (all, or those named). */
  read(names?: readonly string[]): Promise<Record<string, HostTensor>>;
  /** Replaces tensors; shapes and dtypes must match. */
  write(values: Readonly<Record<string, HostTensor>>): Promise<void>;
  dispose(): void;
}

/** A program recorded for one batch size. */
export interface Executable {
  readonly batch: number;
  /**
   * Runs once: reads and replaces `state` and returns the program's outputs (copies, owned by the caller).
   * With `commit` the new state takes effect only if it returns true for the outputs (default: always). Engines that
   * write where the state lies decide before that: what they may be refused is a step whose output `loss` is not
   * finite or that loss scaling skipped, and a program without these outputs; refusing anything else is an Error there.
   */
  run(call: {
    readonly inputs: Readonly<Record<string, HostTensor>>;
    readonly scalars: Partial<Scalars>;
    readonly state: DeviceState;
    readonly commit?: (outputs: Readonly<Record<string, HostTensor>>) => boolean;
  }): Promise<Record<string, HostTensor>>;
  /**
   * Runs several times in one call, each time on the state that the time before left, and returns the outputs
   * of each: the same numbers as by `run`, to the last bit. The state takes effect as a whole, and only if
   * `commit` returns true for all outputs (default: always). Absent where the engine has nothing to gain.
   */
  runSteps?(call: {
    /** In order; at least one. */
    readonly steps: readonly {
      readonly inputs: Readonly<Record<string, HostTensor>>;
      readonly scalars: Partial<Scalars>;
    }[];
    readonly state: DeviceState;
    readonly commit?: (outputs: readonly Readonly<Record<string, HostTensor>>[]) => boolean;
  }): Promise<readonly Record<string, HostTensor>[]>;
  /**
   * Runs without changing state and returns every tensor the program computes, in order, with the
   * layer scope it was computed under; halves come as f32. For finding the first non-finite value; slow.
   */
  trace(call: {
    readonly inputs: Readonly<Record<string, HostTensor>>;
    readonly scalars: Partial<Scalars>;
    readonly state: DeviceState;
  }): Promise<
    readonly { readonly scope: string; readonly op: string; readonly value: HostTensor }[]
  >;
  dispose(): void;
}

export interface Engine {
  /** As its entry calls it: "onnx", "tensorflow", "tfjs". */
  readonly name: string;
  /** "cpu", "webgpu", "cuda", … */
  readonly device: string;
  readonly threads: number;
  /**
   * Can tensors of a program be cast to these types, and convolved and multiplied? native: faster than f32 or
   * smaller; emulated: the numbers of that type, computed in f32; none: such programs are refused.
   */
  readonly half: Readonly<Record<HalfType, "native" | "emulated" | "none">>;
  /**
   * Training steps that it is best given at a time, by `runSteps`: more than one where state would otherwise go
   * to the device and back with every step. Default: 1.
   */
  readonly stepsPerCall?: number;
  createState(
    specs: Readonly<Record<string, StateSpec>>,
    values: Readonly<Record<string, HostTensor>>,
  ): DeviceState;
  /** Records `program` for a batch size; repeated calls return the cached executable. */
  prepare(program: Program, batch: number): Promise<Executable>;
  dispose(): Promise<void>;
}
