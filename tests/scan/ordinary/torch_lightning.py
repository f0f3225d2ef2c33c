"""PyTorch Lightning with a CSV logger and the best checkpoint."""

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import EarlyStopping, ModelCheckpoint
from pytorch_lightning.loggers import CSVLogger, MLFlowLogger
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split


class Classifier(pl.LightningModule):
    def __init__(self, width, classes, lr=1e-3):
        super().__init__()
        self.save_hyperparameters()
        self.net = nn.Sequential(nn.Linear(width, 64), nn.ReLU(), nn.Linear(64, classes))

    def forward(self, x):
        return self.net(x)

    def training_step(self, batch, _index):
        x, y = batch
        loss = nn.functional.cross_entropy(self(x), y)
        self.log("train_loss", loss, prog_bar=True)
        return loss

    def validation_step(self, batch, _index):
        x, y = batch
        self.log("val_accuracy", (self(x).argmax(1) == y).float().mean())

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), lr=self.hparams.lr)


def main():
    pl.seed_everything(1, workers=True)
    stored = torch.load("data/set.pt", weights_only=True)
    train, valid = random_split(TensorDataset(stored["x"], stored["y"]), [0.9, 0.1])
    trainer = pl.Trainer(
        max_epochs=20, logger=[CSVLogger("outputs"), MLFlowLogger(experiment_name="lightning")],
        callbacks=[ModelCheckpoint("outputs/checkpoints", monitor="val_accuracy", mode="max"), EarlyStopping("val_accuracy", mode="max")],
    )
    trainer.fit(Classifier(stored["x"].shape[1], 5), DataLoader(train, 64, num_workers=2), DataLoader(valid, 256))
    print("best:", trainer.checkpoint_callback.best_model_score.item())


if __name__ == "__main__":
    main()
