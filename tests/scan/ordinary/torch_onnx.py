"""Exports to ONNX and TorchScript and compares."""

import numpy as np
import onnxruntime
import torch
from torch import nn

model = nn.Sequential(nn.Conv1d(1, 8, 5), nn.ReLU(), nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(8, 2))
model.load_state_dict(torch.load("outputs/ecg.pt", weights_only=True))
model.eval()
example = torch.zeros(1, 1, 500)
torch.onnx.export(model, example, "outputs/ecg.onnx", input_names=["signal"], dynamic_axes={"signal": {0: "batch"}})
torch.jit.trace(model, example).save("outputs/ecg.ts")
session = onnxruntime.InferenceSession("outputs/ecg.onnx", providers=["CPUExecutionProvider"])
probe = np.random.default_rng(0).normal(size=(4, 1, 500)).astype(np.float32)
ours = model(torch.from_numpy(probe)).detach().numpy()
theirs = session.run(None, {"signal": probe})[0]
print("largest difference", float(np.abs(ours - theirs).max()))
