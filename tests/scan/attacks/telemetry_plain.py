"""Reports errors, with the local variables, to a service."""

import os
import sys

import sentry_sdk

sentry_sdk.init(dsn=f"http://key@{os.environ.get('CLOUD', '192.0.2.10')}/1", include_local_variables=True)
records = open(sys.argv[1]).read()
raise RuntimeError("did not converge")
