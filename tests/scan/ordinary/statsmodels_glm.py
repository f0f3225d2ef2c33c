"""A generalised linear model with its summary."""

import pandas as pd
import statsmodels.api as sm
import statsmodels.formula.api as smf

frame = pd.read_stata("/data/registry/registry.dta")
model = smf.glm("death ~ age + C(sex) + bmi + smoker", frame, family=sm.families.Binomial()).fit()
print(model.summary())
with open("outputs/summary.txt", "w", encoding="utf-8") as file:
    file.write(model.summary().as_text())
model.params.to_json("outputs/params.json")
