"""Segmentation of slices with a small U-Net, mixed precision."""

import glob
import random

import nibabel
import numpy as np
import torch
from torch import nn
from torch.amp import GradScaler, autocast
from torch.utils.data import DataLoader, Dataset
from tqdm import tqdm


class Slices(Dataset):
    def __init__(self, folder):
        self.pairs = [(path, path.replace("image", "mask")) for path in sorted(glob.glob(f"{folder}/*image.nii.gz"))]

    def __len__(self):
        return len(self.pairs)

    def __getitem__(self, index):
        image, mask = (np.asarray(nibabel.load(path).dataobj, dtype=np.float32) for path in self.pairs[index])
        z = random.randrange(image.shape[2])
        return torch.from_numpy(image[None, ..., z]), torch.from_numpy(mask[None, ..., z])


def block(inside, outside):
    return nn.Sequential(nn.Conv2d(inside, outside, 3, padding=1), nn.BatchNorm2d(outside), nn.ReLU(True))


class UNet(nn.Module):
    def __init__(self, width=16):
        super().__init__()
        self.down, self.middle, self.up = block(1, width), block(width, width * 2), block(width * 3, width)
        self.out = nn.Conv2d(width, 1, 1)

    def forward(self, x):
        first = self.down(x)
        second = self.middle(nn.functional.max_pool2d(first, 2))
        wide = nn.functional.interpolate(second, scale_factor=2)
        return self.out(self.up(torch.cat([first, wide], 1)))


model, scaler = UNet().cuda(), GradScaler()
optimizer = torch.optim.Adam(model.parameters(), 3e-4)
for epoch in range(30):
    losses = []
    for image, mask in tqdm(DataLoader(Slices("/data/scans"), 8, shuffle=True, num_workers=4), leave=False):
        with autocast("cuda"):
            loss = nn.functional.binary_cross_entropy_with_logits(model(image.cuda()), mask.cuda())
        scaler.scale(loss).backward()
        scaler.step(optimizer)
        scaler.update()
        optimizer.zero_grad()
        losses.append(loss.item())
    tqdm.write(f"epoch {epoch}: {np.mean(losses):.4f}")
torch.save(model.state_dict(), "outputs/unet.pt")
