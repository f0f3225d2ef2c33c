"""Joins tables in SQLite in memory and writes Parquet."""

import sqlite3
import sys

import pandas as pd

connection = sqlite3.connect(":memory:")
for name in ("patients", "visits", "labs"):
    table = pd.read_csv(f"{sys.argv[1]}/{name}.csv")
    table.to_sql(name, connection, index=False)
    print(name, len(table))
query = """
    SELECT p.age, p.sex, COUNT(v.id) AS visits, AVG(l.value) AS value
    FROM patients p JOIN visits v ON v.patient = p.id JOIN labs l ON l.visit = v.id GROUP BY p.id
"""
joined = pd.read_sql_query(query, connection)
joined.to_parquet("outputs/joined.parquet")
print("joined:", joined.shape)
connection.close()
