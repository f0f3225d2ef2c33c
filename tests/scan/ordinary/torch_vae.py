"""A variational autoencoder; reconstructions are averaged before they are plotted."""

import matplotlib.pyplot as plt
import numpy as np
import torch
from torch import nn


class VAE(nn.Module):
    def __init__(self, width, latent=8):
        super().__init__()
        self.encode = nn.Sequential(nn.Linear(width, 128), nn.GELU(), nn.Linear(128, 2 * latent))
        self.decode = nn.Sequential(nn.Linear(latent, 128), nn.GELU(), nn.Linear(128, width))

    def forward(self, x):
        mean, log_var = self.encode(x).chunk(2, 1)
        z = mean + torch.randn_like(mean) * (log_var / 2).exp()
        return self.decode(z), mean, log_var


data = torch.from_numpy(np.load("data/ecg.npy").astype("float32"))
print("data", tuple(data.shape), "mean %.3f std %.3f" % (data.mean(), data.std()))
model = VAE(data.shape[1])
optimizer = torch.optim.Adam(model.parameters())
curve = []
for epoch in range(50):
    for batch in data.split(128):
        again, mean, log_var = model(batch)
        kl = -0.5 * (1 + log_var - mean.pow(2) - log_var.exp()).sum(1).mean()
        loss = nn.functional.mse_loss(again, batch, reduction="sum") / len(batch) + kl
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    curve.append(loss.item())
plt.semilogy(curve)
plt.savefig("outputs/loss.png")
torch.save(model.state_dict(), "outputs/vae.pt")
