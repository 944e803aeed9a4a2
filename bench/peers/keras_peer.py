"""The network of models/cifar10-cnn in Keras on TensorFlow. Protocol: see subprocess.mjs."""
import json
import os
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import numpy as np
import tensorflow as tf
from peer import serve

settings = json.loads(sys.argv[1])
batch, threads = settings["batch"], settings["threads"]
tf.config.threading.set_intra_op_parallelism_threads(threads)
tf.config.threading.set_inter_op_parallelism_threads(1)
tf.random.set_seed(1)

layers = tf.keras.layers
model = tf.keras.Sequential([
    layers.Input((32, 32, 3)),
    layers.Rescaling(1 / 255),
    layers.Conv2D(32, 3, activation="relu"), layers.MaxPooling2D(2),
    layers.Conv2D(64, 3, activation="relu"), layers.MaxPooling2D(2),
    layers.Conv2D(64, 3, activation="relu"), layers.Flatten(),
    layers.Dense(64, activation="relu"), layers.Dense(10),
])
optimizer = tf.keras.optimizers.Adam(1e-3)
criterion = tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True)
random = np.random.default_rng(1)
images = tf.constant(random.integers(0, 256, (batch, 32, 32, 3), dtype=np.uint8))
labels = tf.constant(random.integers(0, 10, (batch,), dtype=np.int32))


@tf.function
def step(x, y):
    with tf.GradientTape() as tape:
        loss = criterion(y, model(tf.cast(x, tf.float32), training=True))
    gradients = tape.gradient(loss, model.trainable_variables)
    optimizer.apply_gradients(zip(gradients, model.trainable_variables))
    return loss


serve(f"Keras {tf.keras.__version__}, TensorFlow {tf.__version__}", lambda: float(step(images, labels)))
