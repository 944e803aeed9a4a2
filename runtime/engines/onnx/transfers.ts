/**
 * @file Tensors to the device and back. onnxruntime-node cannot read a tensor of the device (`getData` ends the
 * process) nor make one; but a session whose graph does nothing takes either kind and gives the other.
 */
import { type HostTensor, sizeOf } from "../../tensor.js";
import { createGraph } from "./graph.js";
import { encodeModel } from "./model-proto.js";
import { checkOperators } from "./operators.js";
import { type InferenceSession, type Ort, openSession, type Tensor, toOrt } from "./ort.js";
import { createPrimitives } from "./primitives.js";
import type { OnnxTarget } from "./target.js";

type TensorType = Pick<HostTensor, "dtype" | "shape">;

export interface Transfers {
  upload(tensors: readonly HostTensor[]): Promise<readonly Tensor[]>;
  /** Copies that belong to the caller; `types` are those of the tensors, in order. */
  download(
    tensors: readonly Tensor[],
    types: readonly TensorType[],
  ): Promise<readonly HostTensor[]>;
  dispose(): Promise<void>;
}

/** Elements that are on their way at a time: they take memory a second time. */
const largestGroup = 2 ** 24;
/** Sessions kept: programs differ in what they read, but there are few of them. */
const openSessions = 16;

interface Item<T> {
  readonly type: TensorType;
  readonly value: T;
}

/** Runs of items that are not too large together; an item that is too large is alone. */
function groupsOf<T>(items: readonly Item<T>[]): readonly (readonly Item<T>[])[] {
  const groups: Item<T>[][] = [];
  let total = Number.POSITIVE_INFINITY;
  for (const item of items) {
    const size = sizeOf(item.type.shape);
    if (total + size > largestGroup) {
      groups.push([]);
      total = 0;
    }
    groups.at(-1)?.push(item);
    total += size;
  }
  return groups;
}

export function createTransfers(ort: Ort, target: OnnxTarget): Transfers {
  const sessions = new Map<string, Promise<InferenceSession>>();

  function open(types: readonly TensorType[], up: boolean): Promise<InferenceSession> {
    const graph = createGraph();
    graph.source = { scope: "", op: up ? "upload" : "download" };
    const p = createPrimitives(graph, target);
    const copies = types.map(({ dtype, shape }, i) => {
      const input = graph.input(`x${i}`, dtype, shape);
      return p.unary("Identity", input);
    });
    const model = graph.model(copies);
    if (target.operators !== null) checkOperators(graph, model, target.operators);
    const onDevice = up ? copies.map(({ name }) => name) : [];
    return openSession(ort, encodeModel(model), { target, threads: 1, onDevice });
  }

  async function session(types: readonly TensorType[], up: boolean): Promise<InferenceSession> {
    const key = JSON.stringify([up, types.map(({ dtype, shape }) => [dtype, shape])]);
    const opened = sessions.get(key) ?? open(types, up);
    sessions.delete(key);
    sessions.set(key, opened);
    for (const [oldest, old] of [...sessions].slice(0, -openSessions)) {
      sessions.delete(oldest);
      await (await old).release();
    }
    return opened;
  }

  /** Passes items through sessions, a group at a time. */
  async function pass(items: readonly Item<Tensor>[], up: boolean): Promise<readonly Tensor[]> {
    const results: Tensor[] = [];
    for (const group of groupsOf(items)) {
      const opened = await session(
        group.map(({ type }) => type),
        up,
      );
      const feeds = Object.fromEntries(group.map(({ value }, i) => [`x${i}`, value]));
      const made = await opened.run(feeds);
      results.push(...opened.outputNames.map((name) => made[name] as Tensor));
    }
    return results;
  }

  return {
    upload: (tensors) =>
      pass(
        tensors.map((type) => ({ type, value: toOrt(ort, type) })),
        true,
      ),
    async download(tensors, types) {
      const items = tensors.map((value, i) => ({ type: types[i] as TensorType, value }));
      const results = await pass(items, false);
      return results.map((result, i) => {
        const { dtype, shape } = types[i] as TensorType;
        return { dtype, shape, data: result.data } as HostTensor;
      });
    },
    async dispose() {
      const all = [...sessions.values()];
      sessions.clear();
      await Promise.all(all.map(async (opened) => (await opened).release()));
    },
  };
}
