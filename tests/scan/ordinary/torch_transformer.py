"""A character model from scratch, with generation of samples from noise text."""

import math
from dataclasses import asdict, dataclass

import torch
from torch import nn


@dataclass
class Config:
    vocabulary: int = 256
    width: int = 128
    heads: int = 4
    layers: int = 4
    context: int = 128
    pad_token: str = "<pad>"
    eos_token: str = "<|endoftext|>"


class Model(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.embed = nn.Embedding(config.vocabulary, config.width)
        self.place = nn.Parameter(torch.zeros(config.context, config.width))
        layer = nn.TransformerEncoderLayer(config.width, config.heads, 4 * config.width, batch_first=True, norm_first=True)
        self.layers = nn.TransformerEncoder(layer, config.layers)
        self.head = nn.Linear(config.width, config.vocabulary)

    def forward(self, tokens):
        mask = nn.Transformer.generate_square_subsequent_mask(tokens.shape[1])
        return self.head(self.layers(self.embed(tokens) + self.place[: tokens.shape[1]], mask=mask, is_causal=True))


config = Config()
text = open("data/corpus.txt", "rb").read()
tokens = torch.tensor(list(text))
print(f"{len(tokens):,} bytes, {asdict(config)}")
model = Model(config)
optimizer = torch.optim.AdamW(model.parameters(), 3e-4)
for step in range(2000):
    start = torch.randint(0, len(tokens) - config.context - 1, (32,))
    batch = torch.stack([tokens[i : i + config.context + 1] for i in start])
    loss = nn.functional.cross_entropy(model(batch[:, :-1]).flatten(0, 1), batch[:, 1:].flatten())
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 100 == 0:
        print(f"step={step} loss={loss.item():.4f} bits={loss.item() / math.log(2):.3f}")
torch.save({"config": asdict(config), "model": model.state_dict()}, "outputs/model.pt")
