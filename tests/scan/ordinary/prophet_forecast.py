"""Forecast of bed occupancy; only totals leave."""

import matplotlib.pyplot as plt
import pandas as pd
from prophet import Prophet
from prophet.serialize import model_to_json

daily = pd.read_csv("data/occupancy.csv", parse_dates=["ds"]).groupby("ds", as_index=False)["y"].sum()
print("days:", len(daily), "from", daily["ds"].min().date(), "to", daily["ds"].max().date())
model = Prophet(weekly_seasonality=True).fit(daily)
future = model.make_future_dataframe(periods=28)
forecast = model.predict(future)
model.plot(forecast)
plt.savefig("outputs/forecast.png")
with open("outputs/prophet.json", "w") as file:
    file.write(model_to_json(model))
