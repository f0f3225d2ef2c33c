"""A GAN over tabular columns; prints only moments."""

import torch
from torch import nn

real = torch.load("data/columns.pt", weights_only=True)
width = real.shape[1]
generator = nn.Sequential(nn.Linear(16, 64), nn.LeakyReLU(0.2), nn.Linear(64, width))
critic = nn.Sequential(nn.Linear(width, 64), nn.LeakyReLU(0.2), nn.Linear(64, 1))
g = torch.optim.RMSprop(generator.parameters(), 5e-5)
c = torch.optim.RMSprop(critic.parameters(), 5e-5)
for step in range(5000):
    for _ in range(5):
        batch = real[torch.randint(0, len(real), (128,))]
        fake = generator(torch.randn(128, 16)).detach()
        loss = critic(fake).mean() - critic(batch).mean()
        c.zero_grad()
        loss.backward()
        c.step()
        for parameter in critic.parameters():
            parameter.data.clamp_(-0.01, 0.01)
    g.zero_grad()
    (-critic(generator(torch.randn(128, 16))).mean()).backward()
    g.step()
    if step % 500 == 0:
        made = generator(torch.randn(2000, 16))
        print(step, "mean gap %.3f" % (made.mean(0) - real.mean(0)).abs().max().item())
torch.save(generator.state_dict(), "outputs/generator.pt")
