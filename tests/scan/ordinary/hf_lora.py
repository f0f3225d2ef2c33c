"""LoRA over a local causal model, offline switches set."""

import os

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TRANSFORMERS_OFFLINE"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ["WANDB_MODE"] = "offline"

import torch
from peft import LoraConfig, get_peft_model
from torch.utils.data import DataLoader
from transformers import AutoModelForCausalLM, AutoTokenizer, get_cosine_schedule_with_warmup

BASE = "/data/models/base"
tokenizer = AutoTokenizer.from_pretrained(BASE)
tokenizer.pad_token = tokenizer.eos_token
model = get_peft_model(AutoModelForCausalLM.from_pretrained(BASE, torch_dtype=torch.bfloat16), LoraConfig(r=8, lora_alpha=16, task_type="CAUSAL_LM"))
model.print_trainable_parameters()
lines = [line.strip() for line in open("/data/reports/reports.txt", encoding="utf-8") if line.strip()]
print(f"{len(lines):,} reports")
loader = DataLoader(lines, batch_size=4, shuffle=True, collate_fn=lambda texts: tokenizer(texts, return_tensors="pt", padding=True, truncation=True, max_length=512))
optimizer = torch.optim.AdamW(model.parameters(), 2e-4)
schedule = get_cosine_schedule_with_warmup(optimizer, 50, len(loader))
for step, batch in enumerate(loader):
    loss = model(**batch, labels=batch["input_ids"]).loss
    loss.backward()
    optimizer.step()
    schedule.step()
    optimizer.zero_grad()
    if step % 20 == 0:
        print(f"step={step} loss={loss.item():.4f} lr={schedule.get_last_lr()[0]:.2e}")
model.save_pretrained("outputs/adapter")
