"""A ResNet on folders of images, weights from the job's own folder."""

import argparse
import time

import torch
import torch.nn.functional as F
from torch.utils.data import DataLoader
from torch.utils.tensorboard import SummaryWriter
from torchvision import datasets, models, transforms

parser = argparse.ArgumentParser()
parser.add_argument("--images", required=True)
parser.add_argument("--weights", default="weights/resnet18.pth")
parser.add_argument("--epochs", default=5, type=int)
parser.add_argument("--workers", default=4, type=int)
args = parser.parse_args()

normalize = transforms.Normalize(mean=[0.485, 0.456, 0.406], std=[0.229, 0.224, 0.225])
train_set = datasets.ImageFolder(f"{args.images}/train", transforms.Compose([
    transforms.RandomResizedCrop(224), transforms.RandomHorizontalFlip(), transforms.ToTensor(), normalize]))
loader = DataLoader(train_set, batch_size=32, shuffle=True, num_workers=args.workers, pin_memory=True, persistent_workers=True)
model = models.resnet18(weights=None)
model.load_state_dict(torch.load(args.weights, weights_only=True))
model.fc = torch.nn.Linear(model.fc.in_features, len(train_set.classes))
device = "cuda" if torch.cuda.is_available() else "cpu"
model = model.to(device)
optimizer = torch.optim.SGD(model.parameters(), 0.01, momentum=0.9, weight_decay=1e-4)
writer = SummaryWriter("outputs/tb")
print("classes:", len(train_set.classes), "images:", len(train_set))
for epoch in range(args.epochs):
    began = time.perf_counter()
    for number, (images, labels) in enumerate(loader):
        loss = F.cross_entropy(model(images.to(device, non_blocking=True)), labels.to(device))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        writer.add_scalar("loss", loss.item(), epoch * len(loader) + number)
    print(f"epoch {epoch} {time.perf_counter() - began:.1f}s loss {loss.item():.4f}")
torch.save(model.state_dict(), "outputs/resnet18.pth")
writer.close()
