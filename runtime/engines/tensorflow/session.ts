/** @file A loaded graph: written as a SavedModel into a temporary folder, which is gone once it is read. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DType, HostTensor } from "../../tensor.js";
import type { Binding } from "./binding.js";
import { feedTensor, fetched } from "./carry.js";
import { encodeSavedModel, type GraphNode, modelTag } from "./graph-def.js";

export interface Feed {
  /** "node:0" */
  readonly tensor: string;
  readonly value: HostTensor;
}
export interface Fetch {
  readonly tensor: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
}

export interface Session {
  /** Blocks; the results are the caller's. */
  run(feeds: readonly Feed[], fetches: readonly Fetch[]): readonly HostTensor[];
  close(): void;
}

export function openSession(
  binding: Binding,
  nodes: readonly GraphNode[],
  device: string,
): Session {
  const folder = mkdtempSync(join(tmpdir(), "dlc-tensorflow-"));
  let id: number;
  try {
    writeFileSync(join(folder, "saved_model.pb"), encodeSavedModel(nodes, device));
    id = binding.loadSavedModel(folder, modelTag);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  /**
   * What was fed last. Such tensors lie in JavaScript's memory, which only JavaScript's thread may let go of: they
   * are kept until TensorFlow's threads have surely finished with them.
   */
  let fed: number[] = [];
  function letGo(): void {
    for (const input of fed) binding.deleteTensor(input);
    fed = [];
  }
  return {
    run(feeds, fetches) {
      letGo();
      const inputs = feeds.map(({ value }) => feedTensor(binding, value));
      fed = inputs;
      const results = binding.runSavedModel(
        id,
        inputs,
        feeds.map(({ tensor }) => tensor).join(),
        fetches.map(({ tensor }) => tensor).join(),
      );
      return results.map((result, i) => {
        const { dtype, shape } = fetches[i] as Fetch;
        const host = fetched(binding.tensorDataSync(result.id), dtype, shape);
        binding.deleteTensor(result.id);
        return host;
      });
    },
    close() {
      letGo();
      binding.deleteSavedModel(id);
    },
  };
}
