"""Fine-tunes a language model from a local folder."""

import argparse

import numpy as np
from datasets import load_dataset
from transformers import AutoModelForSequenceClassification, AutoTokenizer, DataCollatorWithPadding, Trainer, TrainingArguments

parser = argparse.ArgumentParser()
parser.add_argument("--model", default="./german-bert")
parser.add_argument("--train", required=True)
args = parser.parse_args()

tokenizer = AutoTokenizer.from_pretrained(args.model, local_files_only=True)
model = AutoModelForSequenceClassification.from_pretrained(args.model, num_labels=3, local_files_only=True)
letters = load_dataset("json", data_files={"train": args.train}, split="train").train_test_split(0.1, seed=0)
encoded = letters.map(lambda batch: tokenizer(batch["text"], truncation=True, max_length=512), batched=True, remove_columns=["text"])


def metrics(prediction):
    logits, labels = prediction
    return {"accuracy": float((np.argmax(logits, -1) == labels).mean())}


trainer = Trainer(
    model,
    TrainingArguments("outputs", num_train_epochs=3, per_device_train_batch_size=16, eval_strategy="epoch", report_to="none", seed=1),
    train_dataset=encoded["train"],
    eval_dataset=encoded["test"],
    data_collator=DataCollatorWithPadding(tokenizer),
    compute_metrics=metrics,
)
trainer.train()
trainer.save_model("outputs/model")
tokenizer.save_pretrained("outputs/model")
print(trainer.evaluate())
