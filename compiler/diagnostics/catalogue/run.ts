/** @file Diagnostics of the run stage: training, checkpoints, prediction. */
import type { CatalogueEntry } from "../diagnostic.js";

export const runEntries = {
  "non-finite-loss": {
    severity: "error",
    message: "the loss is not finite {when}: {cause}",
    help: "Lower train.learning_rate, clip gradients or scale the features. The last checkpoint is intact; the same command continues from it.",
    explain:
      "A loss of NaN or infinity makes every weight useless with the next update. Training stops before that update takes effect, computes the step once more and names the first tensor that is not finite and the layer it belongs to. The usual causes are a learning rate that is too high, features of very different sizes, and a logarithm or division that meets zero. A validation loss that is not finite ends training likewise, before the epoch counts. Exit code 4.",
    wrong: "train: { loss: mse, optimizer: sgd, learning_rate: 10 }",
    right: "train: { loss: mse, optimizer: sgd, learning_rate: 0.01, clip: { norm: 1 } }",
  },
  "non-finite-input": {
    severity: "error",
    message: "{feature} of row {row} is {value}",
    help: "Correct or remove the row, or replace missing values before training.",
    explain:
      "A number of the training data is NaN or infinite, so the loss of every batch with that row is too. Nothing the model does can repair it. Exit code 4; the last checkpoint is intact.",
  },
  "run-busy": {
    severity: "error",
    message: "process {pid} is training in this run folder",
    help: "Wait for it to end, or train into another run folder.",
    explain:
      "Two trainers in one run folder would overwrite each other's checkpoints, so the first one locks it. The lock of a process that was killed is recognised and taken over; only a lock from another machine, whose processes cannot be looked up, may have to be deleted by hand. Exit code 75.",
  },
  "different-run": {
    severity: "error",
    message: "the run folder belongs to another run: {differences}",
    help: "Start over with --fresh, train into another run folder, or undo the change.",
    explain:
      "Training in a folder that already holds a run continues it. That is only meaningful with the spec, settings and data that it was started with: otherwise the result would belong to no spec at all, and could not be trained again. The data are compared by their content and by what was fitted to them (classes, means and the like), because weights trained with one scale are wrong with another. More epochs and other checkpoint settings are the exception.",
  },
  "damaged-run": {
    severity: "error",
    message: "run.json of the run cannot be read",
    help: "Start the run over with --fresh.",
    explain:
      "`run.json` says which spec, settings and data a run was started with. Without it there is no telling whether this is the same run.",
  },
  "not-a-run-folder": {
    severity: "error",
    message: "the folder has files in it but is not a run",
    help: "Choose another run folder, or an empty one.",
    explain:
      "A run folder is created by training and marked by its run.json. A folder with other files is left alone, so that a mistyped path cannot mix a run with somebody's files.",
  },
  "damaged-checkpoint": {
    severity: "warning",
    message: "checkpoint {name} is damaged and is not used: {reason}",
    explain:
      "Every file of a checkpoint is checked against the SHA-256 sums in its manifest before it is used. One that differs (a bad disk, a copy that was cut off, an edit) is put aside as .corrupt-…, and training continues from the newest intact one, to the same result.",
  },
  "no-intact-checkpoint": {
    severity: "error",
    message: "none of the checkpoints is intact",
    help: "Start the run over with --fresh, or train into another run folder.",
    explain:
      "All checkpoints of the run are damaged. Starting over would be possible but is not done unasked, because somebody may want to look at them first; they are still there as .corrupt-….",
  },
  "foreign-checkpoint": {
    severity: "error",
    message: "the checkpoint does not belong to this model: {reason}",
    help: "Start the run over with --fresh, train into another run folder, or go back to the spec that it was trained with.",
    explain:
      "A checkpoint carries a hash over the names, shapes and element types of the model's state, one over its spec and one over the classes and scales of its data. Weights of another model would either not fit or, worse, fit and mean something else. Training may start from weights of other data; predicting with them is refused.",
  },
  "damaged-weights": {
    severity: "error",
    message: "the weights are damaged: {reason}",
    help: "Use another checkpoint of the run (its last or best), save or download the file again, or train again.",
    explain:
      "The file is not what was written: its SHA-256 differs, it is cut off, or its header contradicts itself. Damaged weights are never used, because they would still give predictions, only wrong ones.",
  },
  "not-safetensors": {
    severity: "error",
    message: "{path} is not a safetensors file",
    help: "Save the weights in the safetensors format: PyTorch's with `safetensors.torch.save_file(model.state_dict(), path)`, Keras's with `safetensors.numpy.save_file`.",
    explain:
      "Weights are read from safetensors files only: other formats, such as PyTorch's .pt and .bin, may run code when they are opened, or need the library that wrote them.",
  },
  "weights-not-found": {
    severity: "error",
    message: "there are no weights: {path} {reason}",
    help: "Give a run folder (runs/<name>), its best or last file, a checkpoint folder or a .safetensors file; train first if there is none.",
    explain: "Evaluation and prediction need trained weights.",
  },
  "weights-changed": {
    severity: "error",
    message: "{file} has changed since the package was built: {reason}",
    help: "Build the package again, or put the file back that it was built with.",
    explain:
      "A package that starts from weights ('init') knows the names and shapes of their tensors from when it was built. Another file at the same place needs a new plan. Numbers may differ: what a run started from is recorded in its run.json.",
  },
  "starts-from-itself": {
    severity: "error",
    message: "the run would start from its own weights",
    help: "Copy the weights elsewhere, or train into another run folder (--runs).",
    explain:
      "'init' names a checkpoint of the very run that is to start from it. With --fresh it would be deleted before it is read.",
  },
  untrained: {
    severity: "error",
    message: "{model} has no weights yet",
    help: "Load it with the weights of a trained run (weights: runs/<name>), or train it first.",
    explain:
      "A model that was loaded without weights can be trained, but it cannot predict: initial weights would give numbers that look like predictions.",
  },
  "metrics-log-cut": {
    severity: "warning",
    message: "metrics.ndjson has lost lines; the missing epochs are not shown",
    explain:
      "The checkpoint vouches for more of the metrics log than there is, or some of its lines cannot be read. Training is not affected; only the record of earlier epochs is.",
  },
  "engine-changed": {
    severity: "warning",
    message: "the run was started on {before} and continues on {now}",
    explain:
      "The same seed gives the same weights on the same engine, device and number of threads. Another one adds numbers up in another order, so the result differs in the last digits from that of an uninterrupted run.",
  },
  "precision-unsupported": {
    severity: "error",
    message: "{engine} does not compute {precision}",
    help: "Use --engine onnx --device cpu, which computes the same numbers (slowly), or another GPU engine (`dlc doctor` tells which are there); or set train.precision to float32.",
    explain:
      "`train.precision` asks for convolutions and matrix products of float16 or bfloat16 numbers, which the engine and device in use do not have. Nothing else is computed in their place, because another precision gives other weights. Evaluation and prediction are float32 and work on every engine. Exit code 5.",
  },
  "precision-emulated": {
    severity: "warning",
    message:
      "{engine} computes {precision} with the numbers of that type, but no faster than float32",
    explain:
      "The device has no float16 or bfloat16 arithmetic of its own: products are computed in float32 and every result is rounded. Losses and weights are those of the narrower type, so this is good for trying out whether a model learns in it; time and memory are those of float32, or somewhat more.",
  },
  "steps-skipped": {
    severity: "warning",
    message:
      "{skipped} of {steps} steps of epoch {epoch} were skipped, because gradients went beyond the range of float16",
    help: "Lower train.learning_rate, scale the features, or set train.precision to mixed_bfloat16.",
    explain:
      "With mixed_float16 the loss is multiplied by a scale, so that small gradients do not vanish. A step whose gradients overflow changes nothing, and the scale halves; after train.precision.growth_steps steps without overflow it doubles. Some skipped steps are normal, above all at the beginning. Many mean that gradients vary too much for float16.",
  },
  "not-trainable": {
    severity: "error",
    message: "{model} cannot be trained",
    help: "Add a train section to its spec and build it again.",
    explain:
      "Training programs are generated when the model is built. A package without a train section has none, and one built for another number of gathered batches has the wrong ones.",
  },
  "cannot-generate": {
    severity: "error",
    message: "{model} generates nothing",
    help: "Add a generate section to its spec and build it again.",
    explain:
      "`generate` and `dlc generate` need to know which layer random numbers stand in for and which network makes examples of them, or which layer says what the next token is: the generate section says so.",
  },
  "empty-prompt": {
    severity: "error",
    message: "the prompt is empty",
    help: "Leave it out to generate from the beginning.",
    explain:
      "A prompt is what the text begins with. One without any token says nothing, and usually means that something went missing on the way.",
  },
  "prompt-too-long": {
    severity: "error",
    message: "the prompt has {tokens} tokens, which leaves no room: there are {most} in all",
    help: "Give fewer tokens, such as the prompt's end.",
    explain:
      "A decoder has as many steps as its text has tokens at most (max_length of the feature or target), and the prompt takes the first of them. max_length of generate, where it is set, counts the prompt, too.",
  },
  "unknown-in-prompt": {
    severity: "error",
    message: "{token} of the prompt is not in the vocabulary of '{text}'",
    help: "Write it with tokens of the training data.",
    explain:
      "The vocabulary was fitted on the training split. A model that has never seen a character or word cannot go on from it.",
  },
  "invalid-setting": {
    severity: "error",
    message: "{setting} is {value}, not a whole number from 1 up",
    explain: "Settings given to train() replace those of the spec and must be as valid.",
  },
  "unknown-option": {
    severity: "error",
    message: "{method} has no option '{name}'",
    help: "It has: {known}.",
    explain:
      "A name that nothing reads would be a wish that is silently ignored. Settings of the spec are given to train() as `settings: { epochs: 3 }`.",
  },
  "unknown-monitor": {
    severity: "error",
    message: "there is no metric {metric} to monitor",
    help: "Monitor a metric of train.metrics, or add it there.",
    explain:
      "The best epoch, early stopping and reduce_on_plateau follow one number: the loss or a metric that is listed in train.metrics. Of epochs with equal values the one with the smaller loss is the best. With several outputs a metric is called <output>.<metric>.",
    wrong: "train: { metrics: [accuracy], monitor: { metric: f1 } }",
    right: "train: { metrics: [accuracy, f1], monitor: { metric: f1 } }",
  },
  "no-examples": {
    severity: "error",
    message: "there are no {split} examples",
    help: "Check the source and how much of it the split holds back.",
    explain: "The split that is needed is not in the data section or holds no rows.",
  },
  "no-data": {
    severity: "error",
    message: "{model} has no data section",
    help: "Add one to its spec: it says what the examples look like, even if they are passed in memory (source: arrays).",
    explain:
      "The data section names features and targets. It is needed to train and to evaluate, also with data in memory.",
  },
  "bad-input": {
    severity: "error",
    message: "{feature}: {problem}",
    help: "See the Input type of the generated package.",
    explain:
      "What was passed to predict() does not have the shape, the type or the classes that the spec gives the feature.",
  },
  "file-operation-failed": {
    severity: "error",
    message: "cannot {action}: {reason}",
    help: "Check that the disk has room and that the folder may be written; what was saved before is intact.",
    explain:
      "The operating system refused to read or write a file. Checkpoints are written beside the old ones and get their name when they are complete, so a full disk never costs more than the steps since the last one. Exit code 74.",
  },
  "not-in-browser": {
    severity: "error",
    message: "{what}, which a browser cannot do",
    help: "Pass data as arrays, images as pixels and weights as bytes; or do it in Node.",
    explain:
      "A package runs in Node and in a browser, but a page has no files and no image library: there the program passes its examples to `train` and `evaluate` in memory, images as pixels of the feature's size (`shaped([height, width, channels], pixels)` or a canvas's ImageData), and weights as the bytes of a file or by the name they were kept under. A source of the spec that reads files, a path or an encoded image, resizing, and `init` from a file work in Node only.",
  },
  "run-in-memory": {
    severity: "warning",
    message: "this page has no IndexedDB: the run is kept in memory and is lost with the page",
    help: "Save the weights: save() gives their bytes.",
    explain:
      "In a browser runs are kept in IndexedDB, so that training continues after a page was reloaded. Where there is none (some private windows and embedded pages), they are kept in memory: training and continuing work as long as the page is open.",
  },
} as const satisfies Record<string, CatalogueEntry>;
