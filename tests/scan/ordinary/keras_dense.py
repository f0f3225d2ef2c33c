"""A Keras model with callbacks."""

import numpy as np
import tensorflow as tf
from tensorflow import keras

data = np.load("data/train.npz")
X, y = data["X"].astype("float32"), data["y"]
print(X.shape, y.shape, "positives:", int(y.sum()))
model = keras.Sequential([keras.layers.Input(X.shape[1:]), keras.layers.Dense(128, activation="relu"), keras.layers.Dropout(0.3), keras.layers.Dense(1, activation="sigmoid")])
model.compile(optimizer=keras.optimizers.Adam(1e-3), loss="binary_crossentropy", metrics=["AUC"])
model.summary()
history = model.fit(
    tf.data.Dataset.from_tensor_slices((X, y)).shuffle(10_000, seed=1).batch(128), epochs=30, verbose=2,
    callbacks=[keras.callbacks.ModelCheckpoint("outputs/best.keras", monitor="loss", save_best_only=True), keras.callbacks.TensorBoard("outputs/tb"), keras.callbacks.CSVLogger("outputs/log.csv")],
)
print("last loss", history.history["loss"][-1])
model.save("outputs/model.keras")
