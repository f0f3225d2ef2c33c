"""A small network on a table, with checkpoints."""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split

parser = argparse.ArgumentParser()
parser.add_argument("--data", type=Path, required=True)
parser.add_argument("--epochs", type=int, default=20)
parser.add_argument("--batch-size", type=int, default=256)
parser.add_argument("--lr", type=float, default=1e-3)
parser.add_argument("--checkpoints", type=Path, default=Path("outputs/checkpoints"))
args = parser.parse_args()

torch.manual_seed(0)
device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
frame = pd.read_csv(args.data)
X = torch.tensor(frame.drop(columns="label").to_numpy(np.float32))
y = torch.tensor(frame["label"].to_numpy(np.float32))
train, valid = random_split(TensorDataset(X, y), [0.8, 0.2])
model = nn.Sequential(nn.Linear(X.shape[1], 64), nn.ReLU(), nn.Dropout(0.1), nn.Linear(64, 1)).to(device)
optimizer = torch.optim.AdamW(model.parameters(), lr=args.lr)
loss_of = nn.BCEWithLogitsLoss()
args.checkpoints.mkdir(parents=True, exist_ok=True)

for epoch in range(args.epochs):
    model.train()
    total = 0.0
    for batch, target in DataLoader(train, args.batch_size, shuffle=True, num_workers=2):
        optimizer.zero_grad(set_to_none=True)
        loss = loss_of(model(batch.to(device)).squeeze(1), target.to(device))
        loss.backward()
        optimizer.step()
        total += loss.item() * len(batch)
    model.eval()
    with torch.no_grad():
        right = sum(((model(b.to(device)).squeeze(1) > 0).cpu() == t.bool()).sum().item() for b, t in DataLoader(valid, 1024))
    print(f"epoch={epoch} loss={total / len(train):.4f} accuracy={right / len(valid):.4f}", flush=True)
    torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": epoch}, args.checkpoints / f"{epoch:03}.pt")
