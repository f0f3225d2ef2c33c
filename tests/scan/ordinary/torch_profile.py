"""Profiles some steps, with a compiled model."""

import os
import platform

import torch
from torch.profiler import ProfilerActivity, profile, record_function

print(platform.python_version(), torch.__version__, os.cpu_count(), "cores", torch.get_num_threads(), "threads")
model = torch.compile(torch.nn.TransformerEncoderLayer(128, 8, batch_first=True).eval())
batch = torch.randn(16, 64, 128)
with profile(activities=[ProfilerActivity.CPU], record_shapes=True) as seen, record_function("forward"):
    for _ in range(5):
        model(batch)
print(seen.key_averages().table(sort_by="cpu_time_total", row_limit=10))
seen.export_chrome_trace("outputs/trace.json")
