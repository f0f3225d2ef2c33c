"""DDP as torchrun starts it."""

import os

import torch
import torch.distributed as dist

rank, world = int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))
dist.init_process_group(backend="nccl" if torch.cuda.is_available() else "gloo", init_method="env://")
model = torch.nn.parallel.DistributedDataParallel(torch.nn.Linear(8, 2))
total = torch.tensor([float(rank)])
dist.all_reduce(total)
if rank == 0:
    print(f"sum over {world} ranks: {total.item()}")
dist.barrier()
dist.destroy_process_group()
