/** @file Diagnostics of `init`, `freeze` and `learning_rates` that need no file. */
import type { CatalogueEntry } from "../../diagnostic.js";

export const tuningEntries = {
  "unmatched-name": {
    severity: "error",
    message: "'{name}' in '{setting}' is no layer, block or network",
    help: "There are: {known}. A * stands for any text.",
    explain:
      "'freeze', 'learning_rates' and 'init' name layers as their weights do: a layer of the model's own list by its name, a layer inside of a block as `block/layer` and inside of a network as `network.layer`. The name of a block or network means all that is in it, and a * any text. A name that means nothing would silently do nothing.",
    wrong:
      "model: { layers: [{ dense: 8, as: body }, { dense: 2, as: head }] }\ntrain: { loss: cross_entropy, freeze: boddy }",
    right:
      "model: { layers: [{ dense: 8, as: body }, { dense: 2, as: head }] }\ntrain: { loss: cross_entropy, freeze: body }",
  },
  "zero-learning-rate": {
    severity: "error",
    message: "the learning rate of '{name}' is multiplied by 0",
    help: "To keep it as it is, list it under 'freeze': then no work is done for its gradients either.",
    explain:
      "With a factor of 0 the weights would not move, but their gradients and the optimiser's memory would still be computed in every step, and the statistics of batch norms would go on moving. 'freeze' does what is meant.",
    wrong:
      "model: { layers: [{ dense: 8, as: body }, { dense: 2, as: head }] }\ntrain: { loss: cross_entropy, learning_rates: { body: 0 } }",
    right:
      "model: { layers: [{ dense: 8, as: body }, { dense: 2, as: head }] }\ntrain: { loss: cross_entropy, freeze: body }",
  },
  "frozen-and-updated": {
    severity: "error",
    message: "the phase updates '{name}', which is frozen",
    help: "Take it out of 'update' or out of 'freeze'.",
    explain:
      "'freeze' keeps weights as they are throughout training, 'update' moves them: both together contradict each other. A network of which only some layers are frozen may be updated; the other layers move.",
    wrong:
      "networks: { body: { layers: [dense: 4] }, head: { layers: [dense: 2] } }\nmodel: { layers: [use: body, use: head] }\ntrain: { freeze: body, phases: [{ update: [body, head], losses: [cross_entropy] }] }",
    right:
      "networks: { body: { layers: [dense: 4] }, head: { layers: [dense: 2] } }\nmodel: { layers: [use: body, use: head] }\ntrain: { freeze: body, phases: [{ update: head, losses: [cross_entropy] }] }",
  },
} as const satisfies Record<string, CatalogueEntry>;
