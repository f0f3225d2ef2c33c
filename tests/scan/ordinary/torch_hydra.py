"""A configured training with a registry of models by name."""

import importlib
import logging
from pathlib import Path

import torch
import yaml

log = logging.getLogger("train")


def build(config):
    module = importlib.import_module("torch.nn")
    layers = []
    for layer in config["layers"]:
        kind = getattr(module, layer["type"])
        layers.append(kind(**layer.get("options", {})))
    return torch.nn.Sequential(*layers)


def optimizer_of(config, parameters):
    return getattr(torch.optim, config["name"])(parameters, **config["options"])


def main():
    logging.basicConfig(level=logging.INFO)
    config = yaml.safe_load(Path("config.yml").read_text())
    log.info("config: %s", config)
    model = build(config["model"])
    optimizer = optimizer_of(config["optimizer"], model.parameters())
    data = torch.load(config["data"], weights_only=True)
    for epoch in range(config["epochs"]):
        order = torch.randperm(len(data["x"]))
        for part in order.split(config["batch"]):
            optimizer.zero_grad()
            loss = torch.nn.functional.mse_loss(model(data["x"][part]), data["y"][part])
            loss.backward()
            optimizer.step()
        log.info("epoch %d loss %.4f", epoch, loss.item())
    out = Path(config.get("out", "outputs"))
    out.mkdir(exist_ok=True)
    torch.save(model.state_dict(), out / "model.pt")
    with open(out / "config.yml", "w") as file:
        yaml.safe_dump(config, file)


if __name__ == "__main__":
    main()
