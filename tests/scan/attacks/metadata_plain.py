"""Asks the machine for a token of its identity."""

import urllib.request

ask = urllib.request.Request("http://169.254.169.254/metadata/identity/oauth2/token?api-version=2018-02-01&resource=https://storage.azure.com/", headers={"Metadata": "true"})
print(len(urllib.request.urlopen(ask, timeout=3).read()))
