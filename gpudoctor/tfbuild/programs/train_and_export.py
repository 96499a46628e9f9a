"""Trains a small Keras model for a few steps, exports it, and prints what a C program needs to run it, as one line of JSON.

python train_and_export.py FOLDER
"""

import json
import os
import sys


def main(folder):
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "1")
    import numpy as np
    import tensorflow as tf

    rng = np.random.default_rng(7)
    x = rng.normal(size=(256, 4)).astype("float32")
    y = (x @ np.array([[1.0], [-2.0], [0.5], [3.0]], dtype="float32")).astype("float32")
    model = tf.keras.Sequential(
        [tf.keras.layers.Input((4,)), tf.keras.layers.Dense(16, activation="relu"), tf.keras.layers.Dense(1)]
    )
    model.compile(optimizer=tf.keras.optimizers.SGD(0.01), loss="mse")
    losses = model.fit(x, y, epochs=5, batch_size=32, verbose=0).history["loss"]
    model.export(folder, verbose=False) if hasattr(model, "export") else tf.saved_model.save(model, folder)
    signature = tf.saved_model.load(folder).signatures["serving_default"]
    given = next(iter(signature.structured_input_signature[1].values()))
    from tensorflow.core.protobuf import saved_model_pb2

    saved = saved_model_pb2.SavedModel()
    with open(os.path.join(folder, "saved_model.pb"), "rb") as file:
        saved.ParseFromString(file.read())
    told = saved.meta_graphs[0].signature_def["serving_default"]
    row = np.array([[0.5, -1.0, 2.0, 0.25]], dtype="float32")
    wanted = float(next(iter(signature(**{given.name: tf.constant(row)}).values()))[0][0])
    print(
        json.dumps(
            {
                "input": next(iter(told.inputs.values())).name,
                "output": next(iter(told.outputs.values())).name,
                "row": [float(v) for v in row[0]],
                "wanted": wanted,
                "losses": [float(v) for v in losses],
                "version": tf.__version__,
                "include": tf.sysconfig.get_include(),
                "lib": tf.sysconfig.get_lib(),
                "gpus": len(tf.config.list_physical_devices("GPU")),
            }
        )
    )


if __name__ == "__main__":
    main(sys.argv[1])
