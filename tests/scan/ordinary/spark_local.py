"""Spark in local mode."""

from pyspark.ml.classification import RandomForestClassifier
from pyspark.ml.evaluation import BinaryClassificationEvaluator
from pyspark.ml.feature import VectorAssembler
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

spark = SparkSession.builder.master("local[*]").appName("train").config("spark.ui.enabled", "false").getOrCreate()
frame = spark.read.parquet("/data/claims")
print("rows", frame.count(), "columns", len(frame.columns))
frame = frame.withColumn("late", (F.col("days") > 30).cast("int"))
assembled = VectorAssembler(inputCols=["amount", "age", "visits"], outputCol="features").transform(frame)
train, test = assembled.randomSplit([0.8, 0.2], seed=5)
model = RandomForestClassifier(labelCol="late", numTrees=100).fit(train)
print("AUC", BinaryClassificationEvaluator(labelCol="late").evaluate(model.transform(test)))
model.write().overwrite().save("outputs/forest")
spark.stop()
