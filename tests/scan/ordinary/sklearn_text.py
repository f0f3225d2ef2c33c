"""TF-IDF and a linear classifier over notes; the notes stay where they are."""

import os
import pickle
import re
from collections import Counter

import pandas as pd
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import SGDClassifier
from sklearn.metrics import f1_score
from sklearn.model_selection import cross_val_predict
from sklearn.pipeline import make_pipeline

TOKEN = re.compile(r"[a-zäöüß]{3,}")


def tokenize(text):
    return TOKEN.findall(text.lower())


notes = pd.read_json(os.path.join("data", "notes.jsonl"), lines=True)
print(Counter(notes["category"]).most_common())
pipeline = make_pipeline(TfidfVectorizer(tokenizer=tokenize, token_pattern=None, min_df=5), SGDClassifier(loss="log_loss"))
predicted = cross_val_predict(pipeline, notes["text"], notes["category"], cv=5, n_jobs=2)
print("macro F1 %.3f" % f1_score(notes["category"], predicted, average="macro"))
pipeline.fit(notes["text"], notes["category"])
os.makedirs("outputs", exist_ok=True)
with open("outputs/model.pkl", "wb") as file:
    pickle.dump(pipeline, file, protocol=pickle.HIGHEST_PROTOCOL)
