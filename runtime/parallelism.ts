/** @file How many threads the process or page may use. */

interface Host {
  readonly process?: { getBuiltinModule?(name: string): unknown };
  readonly navigator?: { readonly hardwareConcurrency?: number };
}

/** In Node what the process may use (limits of containers included), in a page what it is told; else 1. */
export function parallelism(): number {
  const { process: node, navigator } = globalThis as Host;
  const os = node?.getBuiltinModule?.("node:os") as { availableParallelism(): number } | undefined;
  return os?.availableParallelism() ?? navigator?.hardwareConcurrency ?? 1;
}
