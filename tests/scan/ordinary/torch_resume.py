"""Training that goes on from its last checkpoint."""

import os
import signal
from pathlib import Path

import torch
from torch import nn, optim

CHECKPOINT = Path(os.environ.get("TRAINSHED_RESUMED_FROM", "outputs/checkpoints")) / "last.pt"
stop = False


def ask_to_stop(number, frame):
    global stop
    stop = True


signal.signal(signal.SIGTERM, ask_to_stop)
model = nn.LSTM(12, 64, num_layers=2, batch_first=True)
head = nn.Linear(64, 1)
optimizer = optim.Adam([*model.parameters(), *head.parameters()])
scheduler = optim.lr_scheduler.OneCycleLR(optimizer, 0.01, total_steps=1000)
start = 0
if CHECKPOINT.exists():
    state = torch.load(CHECKPOINT, map_location="cpu", weights_only=True)
    model.load_state_dict(state["model"])
    head.load_state_dict(state["head"])
    optimizer.load_state_dict(state["optimizer"])
    start = state["step"] + 1
    print("resumed at step", start)
series = torch.load("data/series.pt", weights_only=True)
for step in range(start, 1000):
    batch = series[torch.randint(0, len(series), (64,))]
    predicted = head(model(batch[:, :-1])[0])
    loss = nn.functional.mse_loss(predicted, batch[:, 1:, :1])
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    scheduler.step()
    optimizer.zero_grad()
    if step % 50 == 0 or stop:
        print(f"step={step} loss={loss.item():.5f}")
        temporary = CHECKPOINT.with_suffix(".tmp")
        temporary.parent.mkdir(parents=True, exist_ok=True)
        torch.save({"model": model.state_dict(), "head": head.state_dict(), "optimizer": optimizer.state_dict(), "step": step}, temporary)
        os.replace(temporary, CHECKPOINT)
    if stop:
        break
