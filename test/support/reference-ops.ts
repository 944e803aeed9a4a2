/** @file The op contract over float64 tensors: runs generated programs by the ops' own definitions. */
import type { OpKind, Ops } from "@dlc/runtime";
import type { AnyOpDef, Inputs, ReferenceTensor } from "../../compiler/ops/define-op.js";
import { opKinds, ops } from "../../compiler/ops/index.js";

/** Every call in order, for tests that ask what a program computed under which scope. */
export interface ReferenceCall {
  readonly scope: string;
  readonly kind: OpKind;
  readonly results: readonly ReferenceTensor[];
}

export function createReferenceOps(calls: ReferenceCall[] = []): Ops<ReferenceTensor> {
  let scope = "";
  const method =
    (kind: OpKind) =>
    (...args: unknown[]): unknown => {
      const definition: AnyOpDef = ops[kind];
      const count = definition.variadic ? 1 : definition.inputs.length;
      const required = (definition.variadic ? args[0] : args.slice(0, count)) as ReferenceTensor[];
      const options = { ...(args[count] as Record<string, unknown> | undefined) };
      const optional = (definition.optional ?? []).filter((name) => options[name] !== undefined);
      const extra = optional.map((name) => options[name] as ReferenceTensor);
      for (const name of optional) delete options[name];
      const inputs = [...required, ...extra] as unknown as Inputs<ReferenceTensor>;
      const results = definition.evaluate(inputs, options, optional);
      calls.push({ scope, kind, results });
      // As in the contract: ops with a body return lists.
      return results.length === 1 && definition.body === undefined ? results[0] : results;
    };
  return {
    ...(Object.fromEntries(
      opKinds.map((kind) => [kind, method(kind)]),
    ) as unknown as Ops<ReferenceTensor>),
    scope: (label) => {
      scope = label;
    },
  };
}
