/**
 * @file Faults of devices, told from what native libraries say: memory that ran out, a device that is gone, a driver
 * that is too old, libraries of another version. Patterns are of messages as ONNX Runtime, CUDA, cuDNN, Dawn
 * (WebGPU), TensorFlow and V8 write them.
 */
import { DlcError } from "../errors.js";
import { largestBatch, type PlannedTensor, planMemory } from "./memory-plan.js";

export interface FaultContext {
  /** As its entry calls it. */
  readonly engine: string;
  readonly device: string;
  readonly program: string;
  readonly batch: number;
  /** The program's tensors for a batch size; absent: not known. */
  readonly tensors?: (batch: number) => readonly PlannedTensor[];
  /** Bytes of memory that the device has; null where it does not say. Asked only if memory ran out. */
  readonly available?: () => Promise<number | null>;
}

type FaultCode = "out-of-device-memory" | "device-lost" | "driver-too-old" | "cuda-mismatch";

/** In order: what loads nothing comes before what fails later. */
const patterns: readonly (readonly [FaultCode, RegExp])[] = [
  [
    "driver-too-old",
    /driver version is insufficient|CUDA failure 35\b|cudaErrorInsufficientDriver|CUDA_ERROR_SYSTEM_DRIVER_MISMATCH/i,
  ],
  [
    "cuda-mismatch",
    /lib(cu\w+|nv\w+)\.so[.\d]*: cannot open shared object|onnxruntime_providers_(cuda|tensorrt|shared)|AppendExecutionProvider_(Cuda|TensorRT): Failed to load|CUDNN_STATUS_(VERSION|ARCH|SUBLIBRARY_VERSION)_MISMATCH|Loaded runtime CuDNN library: [\d.]+ but source was compiled with|no kernel image is available|CUDA failure 209\b/i,
  ],
  [
    "device-lost",
    /device (is|was) lost|DeviceLost\b|DEVICE_LOST|DXGI_ERROR_DEVICE_(REMOVED|HUNG|RESET)|CONTEXT_LOST|illegal memory access|unspecified launch failure|CUDA failure (46|214|700|702|719|999)\b|CUDA_ERROR_(ILLEGAL_ADDRESS|LAUNCH_FAILED|LAUNCH_TIMEOUT|ECC_UNCORRECTABLE|DEVICE_UNAVAILABLE)|uncorrectable ECC|fallen off the bus/i,
  ],
  [
    "out-of-device-memory",
    /Failed to allocate memory|Available memory of \d+ is smaller than requested|OOM when allocating|RESOURCE[_ ]EXHAUSTED|ResourceExhausted|out of memory|OUT_OF_(DEVICE_|HOST_)?MEMORY|OUTOFMEMORY|OutOfMemory|CUDA failure 2\b|(CUBLAS|CUDNN)_STATUS_ALLOC_FAILED|bad[ _]alloc|Array buffer allocation failed|Invalid typed array length|could not allocate memory|exceeds the max buffer size|\[Invalid Buffer/i,
  ],
];

/** What `deviceFault` may call a fault. */
export const faultCodes: readonly string[] = patterns.map(([code]) => code);

/** Bytes that were asked for in vain, where the message tells. */
const requests = [
  /requested buffer of size (\d+)/,
  /smaller than requested bytes of (\d+)/,
  /Buffer size \((\d+)\) exceeds/,
];
/** Dawn's limit of a single buffer. */
const bufferLimit = /exceeds the max buffer size limit \((\d+)\)/;

const numberIn = (text: string, pattern: RegExp): number | null => {
  const found = pattern.exec(text)?.[1];
  return found === undefined ? null : Number(found);
};

/** Sizes for people, in powers of 1000. */
function size(bytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB", "PB"];
  const power = Math.min(
    units.length - 1,
    Math.max(0, Math.floor(Math.log10(Math.max(1, bytes)) / 3)),
  );
  return `${(bytes / 1000 ** power).toFixed(power === 0 ? 0 : 1)} ${units[power]}`;
}

/** How many tensors are named. */
const told = 3;

const describe = ({ name, layer, bytes }: PlannedTensor): string =>
  `${name}${layer === "" ? "" : ` of layer '${layer}'`} (${size(bytes)})`;

const joined = (parts: readonly string[]): string => parts.filter((part) => part !== "").join("; ");

async function outOfMemory(text: string, context: FaultContext, cause: unknown): Promise<DlcError> {
  const { engine, device, program, batch, tensors } = context;
  const available = (await context.available?.()) ?? null;
  const planned = tensors?.(batch) ?? [];
  const { peakBytes, atPeak } = planMemory(planned);
  const limit = numberIn(text, bufferLimit);
  const tooLarge = limit === null ? [] : planned.filter(({ bytes }) => bytes > limit);
  const largest = (
    tooLarge.length > 0 ? tooLarge.toSorted((a, b) => b.bytes - a.bytes) : atPeak
  ).slice(0, told);
  const request = requests.map((pattern) => numberIn(text, pattern)).find((n) => n !== null);
  const needed = peakBytes > 0 ? `it needs about ${size(peakBytes)}` : "";
  const has = available === null ? "" : `the device has ${size(available)}`;
  const facts = joined([
    [needed, has].filter((part) => part !== "").join(", "),
    request == null ? "" : `${size(request)} were asked for at the end`,
    limit === null ? "" : `its buffers hold ${size(limit)} at most`,
    largest.length === 0 ? "" : `the largest tensors are ${largest.map(describe).join(", ")}`,
  ]);
  const message = `${engine}:${device} has its memory used up in ${program} with a batch of ${batch}`;
  return new DlcError("out-of-device-memory", facts === "" ? message : `${message}: ${facts}`, {
    ...(largest[0] !== undefined && largest[0].layer !== "" ? { place: largest[0].layer } : {}),
    help: memoryHelp(context, peakBytes, available),
    cause,
  });
}

function memoryHelp(
  { batch, tensors }: FaultContext,
  peakBytes: number,
  available: number | null,
): string {
  const otherwise = "or take a device with more memory, or make the layers smaller.";
  if (tensors === undefined || available === null || peakBytes === 0 || batch === 1) {
    return batch === 1
      ? "Make the layers smaller, or take a device with more memory."
      : `Set train.batch to ${Math.floor(batch / 2)} or less (a run that has begun needs --fresh for that), ${otherwise}`;
  }
  const fits = largestBatch(tensors, batch, available);
  if (fits === 0) {
    return "Not even one example fits: make the layers smaller, or take a device with more memory.";
  }
  return fits === batch
    ? `It should fit: another program may use the device's memory. End it, or set train.batch to ${Math.floor(batch / 2)} or less (a run that has begun needs --fresh for that).`
    : `The largest batch that fits is about ${fits}: set train.batch to it (a run that has begun needs --fresh for that), ${otherwise}`;
}

const firstLine = (text: string): string => text.trim().split("\n")[0] ?? "";

/** Without the noise of C++ around it. */
const gist = (text: string): string =>
  /(CUDA failure \d+: [^;\n]+|[\w:]*DXGI_ERROR_\w+|VK_ERROR_\w+|lib\w+\.so[.\d]*: cannot open shared object file)/
    .exec(text)?.[1]
    ?.trim() ?? firstLine(text);

/**
 * The fault of the device that an error of a native library stands for: a DlcError `out-of-device-memory`,
 * `device-lost`, `driver-too-old` or `cuda-mismatch`, with the error as its cause; null for any other error.
 */
export async function deviceFault(error: unknown, context: FaultContext): Promise<DlcError | null> {
  if (error instanceof DlcError) return null;
  const text = error instanceof Error ? error.message : String(error);
  const code = patterns.find(([, pattern]) => pattern.test(text))?.[0];
  if (code === undefined) return null;
  if (code === "out-of-device-memory") return outOfMemory(text, context, error);
  const title = `${context.engine}:${context.device}`;
  const reason = { reason: "environment", cause: error } as const;
  if (code === "device-lost") {
    return new DlcError(code, `${title} was lost in ${context.program}: ${gist(text)}`, {
      ...reason,
      help: "The driver has given the device up (a crash, a reset, a sleep, a fault of the hardware). If it happens again, look into the system's log and update the driver, or train with --device cpu.",
    });
  }
  return code === "driver-too-old"
    ? new DlcError(code, `the driver is too old for ${title}: ${gist(text)}`, {
        ...reason,
        help: "Update the GPU's driver (sudo ubuntu-drivers install); CUDA 12 needs 525.60 or newer. `dlc doctor` tells which is there.",
      })
    : new DlcError(code, `the libraries of CUDA do not fit ${title}: ${gist(text)}`, {
        ...reason,
        help: "`dlc doctor` tells which versions are there, which are needed, and the command that installs them.",
      });
}
