/** @file Faults of devices: how they are told, how memory is accounted for, and what they leave of a run. */
import { existsSync } from "node:fs";
import { totalmem } from "node:os";
import {
  createEngine,
  DlcError,
  type Engine,
  exitCodes,
  type HostTensor,
  type Program,
} from "@dlc/runtime";
import { afterAll, describe, expect, it } from "vitest";
import { deviceFault, type FaultContext } from "../../runtime/engines/device-faults.js";
import { largestBatch, type PlannedTensor, planMemory } from "../../runtime/engines/memory-plan.js";
import { plannedTensors } from "../../runtime/engines/onnx/memory.js";
import { recordProgram } from "../../runtime/engines/onnx/record.js";
import { cpuTarget } from "../../runtime/engines/onnx/target.js";
import { tinyModel } from "../support/tiny-model.mjs";
import {
  engine as eager,
  fingerprint,
  pointed,
  runFolders,
  trainBatches,
  trainTiny,
} from "../support/tiny-runs.js";

const { engine } = await createEngine({ engine: "onnx", device: "cpu", threads: 1 });
afterAll(() => engine.dispose());

const tensor = (
  name: string,
  bytes: number,
  firstUse: number,
  lastUse: number,
  layer = "conv_1",
): PlannedTensor => ({ name, layer, bytes, firstUse, lastUse });

describe("the memory of a program", () => {
  it("is the most that its tensors take at a time", () => {
    const a = tensor("a", 10, 0, 1);
    const b = tensor("b", 20, 1, 2);
    const c = tensor("c", 15, 2, 3);
    const d = tensor("d", 1, 0, 9);
    expect(planMemory([a, b, c, d])).toEqual({ peakBytes: 36, atPeak: [b, c, d] });
    expect(planMemory([])).toEqual({ peakBytes: 0, atPeak: [] });
  });

  /** 100 bytes of weights, 7 for each example and 3 for a moment. */
  const planned = (batch: number) => [
    tensor("w", 100, 0, 9),
    tensor("x", 7 * batch, 0, 5),
    tensor("y", 3 * batch, 2, 3),
  ];

  it("fits up to a batch that leaves a tenth of the device free", () => {
    for (const available of [150, 500, 1000, 12345]) {
      const fits = largestBatch(planned, 100_000, available);
      expect(planMemory(planned(fits)).peakBytes).toBeLessThanOrEqual(0.9 * available);
      expect(planMemory(planned(fits + 1)).peakBytes).toBeGreaterThan(0.9 * available);
    }
    expect(largestBatch(planned, 1000, 1e9)).toBe(1000);
    expect(largestBatch(planned, 1000, 100)).toBe(0);
    expect(largestBatch(planned, 1, 100)).toBe(0);
  });

  it("of a recorded program grows with the batch, and is between its largest tensor and all", () => {
    const { programs, state } = tinyModel();
    const { train } = programs;
    if (train === undefined) throw new Error("no training");
    const types = { tensors: state, arenas: [] };
    const at = (n: number) =>
      plannedTensors(recordProgram(train, n, types, { target: cpuTarget() }));
    const [small, large] = [at(16), at(160)];
    const { peakBytes, atPeak } = planMemory(large);
    expect(peakBytes).toBeGreaterThan(planMemory(small).peakBytes);
    expect(peakBytes).toBeLessThan(large.reduce((sum, { bytes }) => sum + bytes, 0));
    expect(peakBytes).toBeGreaterThanOrEqual(Math.max(...large.map(({ bytes }) => bytes)));
    expect(large.some(({ name, layer }) => layer === "dropout" && name.includes("[160,8]"))).toBe(
      true,
    );
    // The state is there all the time.
    expect(atPeak.some(({ name }) => name === "the state hidden.kernel [2,8]")).toBe(true);
  });
});

const context: FaultContext = {
  ...{ engine: "onnx", device: "cuda", program: "train", batch: 256 },
  tensors: (n) => [
    tensor("the state kernel [512,512]", 1_000_000, 0, 9, ""),
    tensor(`[${n},64,56,56] of conv2d`, 40_000_000 * n, 1, 8, "stage_1/conv"),
    tensor(`[${n},64,56,56] of relu`, 20_000_000 * n, 2, 3, "stage_1"),
    tensor(`[${n},10] of matmul`, 40 * n, 8, 9, "head"),
  ],
  available: async () => 8_000_000_000,
};
const faultOf = (message: string, changes: Partial<FaultContext> = {}) =>
  deviceFault(new Error(message), { ...context, ...changes });

describe("what native libraries say", () => {
  it.for([
    // onnxruntime, CPU and CUDA
    [
      "out-of-device-memory",
      "Non-zero status code returned while running ReduceSum node. Name:'x' Status Message: /onnxruntime_src/onnxruntime/core/framework/bfc_arena.cc:368 void* onnxruntime::BFCArena::AllocateRawInternal(size_t, bool, onnxruntime::Stream*, bool, onnxruntime::WaitNotificationFn) Failed to allocate memory for requested buffer of size 939524096",
    ],
    [
      "out-of-device-memory",
      "void *onnxruntime::BFCArena::AllocateRawInternal(size_t, bool, onnxruntime::Stream *, bool, onnxruntime::WaitNotificationFn) Available memory of 0 is smaller than requested bytes of 2048",
    ],
    [
      "out-of-device-memory",
      "CUDA failure 2: out of memory ; GPU=0 ; hostname=h ; expr=cudaMalloc((void**)&p, size);",
    ],
    ["out-of-device-memory", "CUBLAS failure 3: CUBLAS_STATUS_ALLOC_FAILED ; GPU=0 ; hostname=h"],
    ["out-of-device-memory", "std::bad_alloc"],
    ["out-of-device-memory", "bad allocation"],
    // TensorFlow
    [
      "out-of-device-memory",
      "OOM when allocating tensor with shape[16,112,112,147] and type float on /job:localhost/replica:0/task:0/device:GPU:0 by allocator GPU_0_bfc\n\t [[{{node resnet_v1_50/conv1/ExtractImagePatches}}]]",
    ],
    ["out-of-device-memory", "RESOURCE_EXHAUSTED: Out of memory while trying to allocate 12 bytes"],
    // WebGPU, V8
    [
      "out-of-device-memory",
      "Buffer size (4294967296) exceeds the max buffer size limit (2147483648).",
    ],
    ["out-of-device-memory", "[Invalid Buffer (unlabeled)] is invalid due to a previous error."],
    ["out-of-device-memory", "vkAllocateMemory failed with VK_ERROR_OUT_OF_DEVICE_MEMORY"],
    ["out-of-device-memory", "Array buffer allocation failed"],
    // Devices that are gone
    [
      "device-lost",
      "CUDA failure 700: an illegal memory access was encountered ; GPU=0 ; hostname=C246 ; expr=cudaEventDestroy(read_event_);",
    ],
    ["device-lost", "CUDA failure 719: unspecified launch failure ; GPU=0"],
    ["device-lost", "CUDA_ERROR_ECC_UNCORRECTABLE: uncorrectable ECC error encountered"],
    [
      "device-lost",
      "ID3D12Device::GetDeviceRemovedReason failed with DXGI_ERROR_DEVICE_HUNG (0x887A0006)\n - While handling unexpected error type Internal when allowed errors are (Validation|DeviceLost).",
    ],
    ["device-lost", "vkQueueSubmit failed with VK_ERROR_DEVICE_LOST"],
    ["device-lost", "Failed to execute 'mapAsync' on 'GPUBuffer': Device is lost"],
    ["device-lost", "WebGPU device was lost: reset"],
    // Drivers and libraries
    [
      "driver-too-old",
      "CUDA failure 35: CUDA driver version is insufficient for CUDA runtime version ; GPU=-1 ; hostname=c ; file=/onnxruntime_src/onnxruntime/core/providers/cuda/cuda_execution_provider.cc ; line=336 ; expr=cudaSetDevice(info_.device_id);",
    ],
    [
      "cuda-mismatch",
      "[ONNXRuntimeError] : 1 : FAIL : Failed to load library libonnxruntime_providers_cuda.so with error: libcudnn.so.9: cannot open shared object file: No such file or directory",
    ],
    [
      "cuda-mismatch",
      "OrtSessionOptionsAppendExecutionProvider_Cuda: Failed to load shared library",
    ],
    [
      "cuda-mismatch",
      'LoadLibrary failed with error 126 "" when trying to load "C:\\x\\onnxruntime_providers_cuda.dll"',
    ],
    [
      "cuda-mismatch",
      "Loaded runtime CuDNN library: 8.0.5 but source was compiled with: 8.6.0. CuDNN library needs to have matching major version",
    ],
    [
      "cuda-mismatch",
      "CUDA failure 209: no kernel image is available for execution on the device ; GPU=0",
    ],
  ] as const)("%s: %s", async ([code, message]) => {
    const fault = await faultOf(message);
    expect(fault).toBeInstanceOf(DlcError);
    expect(fault?.code).toBe(code);
    expect(fault?.message).toContain("onnx:cuda");
    expect(fault?.help).toBeTruthy();
    expect(fault?.cause).toMatchObject({ message });
    const exits = code === "out-of-device-memory" ? exitCodes.failed : exitCodes.environment;
    expect(exitCodes[fault?.reason ?? "ok"]).toBe(exits);
  });

  it.for([
    "Non-zero status code returned while running Gather node. Name:'x' Status Message: indices element out of data bounds, idx=17 must be within the inclusive range [-3,2]",
    "program train needs the input 'x'",
    "This session contains graph nodes that are assigned to the default CPU EP, but fallback to CPU EP has been explicitly disabled by the user.",
  ])("nothing of the device: %s", async (message) => {
    expect(await faultOf(message)).toBeNull();
  });

  it("is not told twice", async () => {
    const told = new DlcError("io", "out of memory");
    expect(await deviceFault(told, context)).toBeNull();
  });
});

describe("memory that ran out", () => {
  const arena = "Failed to allocate memory for requested buffer of size 939524096";

  it("is told with what is needed, what there is, and where it goes", async () => {
    const fault = await faultOf(arena);
    expect(fault?.message).toContain("train with a batch of 256");
    expect(fault?.message).toContain("needs about 15.4 GB, the device has 8.0 GB");
    expect(fault?.message).toContain("939.5 MB were asked for");
    expect(fault?.message).toContain(
      "[256,64,56,56] of conv2d of layer 'stage_1/conv' (10.2 GB), [256,64,56,56] of relu of layer 'stage_1' (5.1 GB)",
    );
    expect(fault?.place).toBe("stage_1/conv");
  });

  it("is told with the largest batch that fits", async () => {
    // (0.9 · 8 GB − 1 MB) / 60 MB an example
    expect((await faultOf(arena))?.help).toContain("fits is about 119: set train.batch");
    const tiny = await faultOf(arena, { available: async () => 50_000_000 });
    expect(tiny?.help).toContain("Not even one example fits");
    const roomy = await faultOf(arena, { available: async () => 80e9 });
    expect(roomy?.help).toContain("another program may use");
    const { tensors: _, ...blind } = context;
    const unknown = await deviceFault(new Error(arena), { ...blind, available: async () => null });
    expect(unknown?.help).toContain("train.batch to 128 or less");
  });

  it("names the tensors that are larger than a device's buffers", async () => {
    const text = "Buffer size (10240000000) exceeds the max buffer size limit (6000000000).";
    const fault = await faultOf(text, { device: "webgpu", available: async () => null });
    expect(fault?.message).toContain("its buffers hold 6.0 GB at most");
    expect(fault?.message).toContain("of conv2d of layer 'stage_1/conv'");
    expect(fault?.message).not.toContain("relu");
  });

  it("of the CPU is found when ONNX Runtime cannot get a tensor's memory", async () => {
    const columns = 2 ** 22;
    const program: Program = {
      name: "wide",
      inputs: { x: { dtype: "f32", shape: ["n", 1] } },
      scalars: {},
      reads: [],
      updates: [],
      outputs: { y: { dtype: "f32", shape: [] } },
      run(o, { inputs }) {
        if (inputs.x === undefined) throw new Error("arguments");
        o.scope("wide_1");
        const row = o.constant({ dtype: "f32", shape: [1, columns], value: 2 });
        const whole = o.exp(o.mul(inputs.x, row));
        return { outputs: { y: o.sum(whole, { axes: [0, 1], keepDims: false }) }, state: {} };
      },
    };
    // Of one tensor 16 TiB: no machine of these tests has that.
    const n = 2 ** 20;
    const x: HostTensor = { dtype: "f32", shape: [n, 1], data: new Float32Array(n) };
    const call = { inputs: { x }, scalars: {}, state: engine.createState({}, {}) };
    const wide = await engine.prepare(program, n);
    const error = await wide.run(call).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "out-of-device-memory", place: "wide_1" });
    const { message, help } = error as DlcError;
    expect(message).toContain(`[${n},${columns}] of mul of layer 'wide_1' (17.6 TB)`);
    expect(message).toContain("17.6 TB were asked for");
    const fits = Number(/fits is about (\d+)/.exec(help ?? "")?.[1]);
    expect(fits).toBeGreaterThan(1);
    expect(fits * columns * 4).toBeLessThan(totalmem());
    await expect(wide.runSteps?.({ steps: [call], state: call.state })).rejects.toMatchObject({
      code: "out-of-device-memory",
    });
  });
});

describe("a device that fails in the middle of a run", () => {
  const newRun = runFolders();

  /** Trains so many steps, then says what a native library would. */
  function failing(after: number, message: string): Engine {
    let steps = 0;
    return {
      ...eager,
      prepare: async (program, batch) => {
        const executable = await eager.prepare(program, batch);
        return {
          ...executable,
          async run(call) {
            if (program.name === "train" && ++steps > after) {
              const error = new Error(message);
              const place = { engine: "fake", device: "gpu", program: program.name, batch };
              throw (await deviceFault(error, place)) ?? error;
            }
            return executable.run(call);
          },
        };
      },
    };
  }
  const settings = { checkpoint: { everySteps: 3, keep: 5 } };
  const fail = async (run: string, after: number, message: string): Promise<DlcError> => {
    const broken = failing(after, message);
    const error = await trainTiny(tinyModel({ settings }), run, { engine: broken }).catch(
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(DlcError);
    return error as DlcError;
  };

  it.for([
    ["CUDA failure 700: an illegal memory access was encountered ; GPU=0", "device-lost"],
    ["vkQueueSubmit failed with VK_ERROR_DEVICE_LOST", "device-lost"],
    ["Failed to allocate memory for requested buffer of size 12", "out-of-device-memory"],
  ] as const)("leaves a checkpoint to continue from: %s", async ([message, code]) => {
    const run = newRun();
    const error = await fail(run, 7, message);
    const checkpoint = pointed(run, "last");
    expect(error.code).toBe(code);
    expect(error.help).toContain(`the same command continues from ${checkpoint}.`);
    expect(checkpoint).toMatch(/step-00000006$/);
    expect(existsSync(checkpoint)).toBe(true);
    const continued = await trainTiny(tinyModel({ settings }), run);
    const straight = await trainTiny(tinyModel({ settings }), newRun());
    expect(continued.result.status).toBe("finished");
    expect(fingerprint(continued.state)).toBe(fingerprint(straight.state));
    expect(continued.result.history).toEqual(straight.result.history);
  });

  it("says so where nothing was saved yet", async () => {
    const error = await fail(newRun(), 1, "Device is lost");
    expect(error.help).toContain("No checkpoint was written yet");
    expect(error.reason).toBe("environment");
  });

  it("names the checkpoint that an interrupted run went on from", async () => {
    const run = newRun();
    await trainBatches(tinyModel({ settings }), run, 2);
    const error = await fail(run, 0, "Device is lost");
    expect(error.help).toContain(pointed(run, "last"));
  });
});
