"""The table of rules. A finding names one by its id, and so does an allowance."""

from __future__ import annotations

from typing import Literal

import msgspec

Leak = Literal["Net", "Out", "Res", "Side"]
Level = Literal["refused", "warning", "note"]


class Rule(msgspec.Struct, frozen=True):
    """`leak`: Net, it wants a network; Out, it leaves by what we pass on (log, metrics, code, models); Res, it stays
    behind on a disk; Side, it hides what it does.
    """

    id: str
    leak: Leak
    level: Level
    title: str
    looks_for: str
    reason: str
    source: str  # CWE, or MITRE ATT&CK
    instead: str


_NO_NETWORK = "a job has no network: the call fails there"
_INPUT = "name the data as an input of the job file; it is staged on the VM"
_MLFLOW = "log with mlflow as it is set up: it leads to the gate of the VM"
_ENVIRONMENT = "put it into the environment's requirements; it is built with a network and without the data"
_OUTPUTS = "write below outputs/ or to an output of the job file"
_PLAIN = "write it plainly, so that it can be read before it runs"
_IGNORE = "list it in .amlignore; data is an input of the job file"
_SECRET = "take it out and make a new one; a job needs no credential on the VM"  # noqa: S105

RULES: tuple[Rule, ...] = (
    Rule(
        "http", "Net", "warning", "talks HTTP",
        "requests, urllib, http.client, httpx, aiohttp, urllib3, pycurl, xmlrpc to anything but loopback",
        _NO_NETWORK, "ATT&CK T1567", _INPUT,
    ),
    Rule(
        "webhook", "Net", "warning", "names a chat or paste service",
        "addresses of Slack, Teams, Telegram, Discord, paste and file-drop services",
        "such an address takes what is posted to it", "ATT&CK T1567.004", "send notices from outside of the job",
    ),
    Rule(
        "object-store", "Net", "warning", "opens a cloud store",
        "boto3, azure.storage, google.cloud, fsspec, s3fs, gcsfs, adlfs; s3://, gs://, abfs:// and wasb:// paths",
        _NO_NETWORK, "ATT&CK T1567.002", _INPUT,
    ),
    Rule(
        "socket", "Net", "warning", "opens a connection",
        "socket.connect, sendto, create_connection, asyncio and websockets to anything but loopback",
        _NO_NETWORK, "ATT&CK T1095", "leave it out; processes of one job talk over loopback or multiprocessing",
    ),
    Rule(
        "raw-socket", "Net", "warning", "opens a raw socket",
        "SOCK_RAW, AF_PACKET, scapy", "ICMP and raw packets pass filters that look at TCP alone", "ATT&CK T1095",
        "leave it out",
    ),
    Rule(
        "unix-socket", "Net", "warning", "opens a unix socket",
        "AF_UNIX connects, abstract names, /var/run/docker.sock",
        "a service of the host behind it may have a network", "ATT&CK T1611", "leave it out",
    ),
    Rule(
        "dns", "Net", "warning", "asks a name server",
        "getaddrinfo and gethostbyname of names that are made up, dnspython, nslookup, dig",
        "a name that is asked for can carry data", "ATT&CK T1071.004", "leave it out",
    ),
    Rule(
        "ssh", "Net", "warning", "opens an SSH connection",
        "paramiko, asyncssh, fabric, ssh, scp, sftp, rsync", _NO_NETWORK, "ATT&CK T1048", _OUTPUTS,
    ),
    Rule(
        "mail", "Net", "warning", "sends or reads mail",
        "smtplib, imaplib, poplib, sendmail", _NO_NETWORK, "ATT&CK T1048", "send notices from outside of the job",
    ),
    Rule(
        "ftp", "Net", "warning", "talks FTP or telnet", "ftplib, telnetlib, nntplib, ftp, tftp", _NO_NETWORK,
        "ATT&CK T1048", _OUTPUTS,
    ),
    Rule(
        "database", "Net", "warning", "opens a database or a broker elsewhere",
        "psycopg, pymysql, pymongo, redis, kafka, MQTT, pyodbc, SQLAlchemy addresses that are no file",
        _NO_NETWORK, "ATT&CK T1048", _INPUT,
    ),
    Rule(
        "tracker", "Net", "warning", "reports to a service elsewhere",
        "wandb, comet_ml, neptune, clearml, sentry_sdk, gradio share=True, mlflow.set_tracking_uri to another host",
        "what is reported leaves the site", "ATT&CK T1567", _MLFLOW,
    ),
    Rule(
        "upload", "Net", "warning", "pushes to a hub",
        "push_to_hub, HfApi.upload_*, git push, dvc push, twine, kaggle",
        "a hub keeps what is pushed", "ATT&CK T1567.001", "register the model: trainshed models register RUN",
    ),
    Rule(
        "download", "Net", "note", "fetches from the internet",
        "torch.hub, download=True, datasets.load_dataset, fetch_openml, nltk.download, read_csv of an address",
        "it fails in the sandbox rather than leaks", "", _INPUT,
    ),
    Rule(
        "command", "Net", "warning", "runs a program that talks to others",
        "curl, wget, nc, socat, az, aws, gsutil, rclone … in shell scripts, commands, subprocess and os.system",
        _NO_NETWORK, "ATT&CK T1048", _INPUT,
    ),
    Rule(
        "install", "Net", "note", "installs packages",
        "pip, conda, apt, npm install in scripts and commands", "it fails in the sandbox for what is not there", "",
        _ENVIRONMENT,
    ),
    Rule(
        "package-address", "Net", "warning", "takes a package from an address",
        "--index-url, --extra-index-url, --find-links, git+https://, NAME @ https://, channels that are addresses",
        "code from there runs while the environment is built", "ATT&CK T1195.002", "name the package and its version",
    ),
    Rule(
        "package-telemetry", "Net", "note", "a package that reports to its maker",
        "wandb, comet-ml, neptune, clearml, sentry-sdk, streamlit, gradio, ray, ultralytics in requirements",
        "in the sandbox it fails to, which can slow a job down", "", "leave it out where the job does not need it",
    ),
    Rule(
        "metadata", "Net", "warning", "asks the machine for a cloud identity",
        "169.254.169.254, 168.63.129.16, ManagedIdentityCredential, DefaultAzureCredential",
        "a token of the machine opens cloud stores", "ATT&CK T1552.005", "leave it out: a job needs no identity",
    ),
    Rule(
        "docker", "Net", "warning", "reaches for Docker",
        "docker.sock, docker.from_env, docker, podman, kubectl", "who has Docker has the machine", "ATT&CK T1611",
        "leave it out",
    ),
    Rule(
        "workers", "Net", "warning", "works with other machines",
        "ray://, dask, BaseManager, multiprocessing.connection, torch.distributed at an address that is not loopback",
        "a job is one process tree on one VM", "ATT&CK T1095", "use the processors of the VM: multiprocessing",
    ),
    Rule(
        "listener", "Net", "warning", "listens for connections",
        "http.server, socketserver, Flask.run, uvicorn.run, asyncio.start_server on more than loopback",
        "whoever connects gets what it serves", "ATT&CK T1090", "serve a model: trainshed deploy MODEL",
    ),
    Rule(
        "inherited", "Side", "warning", "uses a descriptor that it did not open",
        "socket.socket(fileno=), socket.fromfd, os.fdopen and os.write above 2 with fixed numbers",
        "an open connection of another program would pass the sandbox", "ATT&CK T1106", "leave it out",
    ),
    Rule(
        "proc", "Side", "warning", "looks into other processes",
        "/proc/PID/{mem,root,fd,cwd,environ}, /proc/1, ptrace, process_vm_readv", "another process may have a network",
        "ATT&CK T1611", "leave it out",
    ),
    Rule(
        "privilege", "Side", "warning", "asks for more rights",
        "sudo, su, setuid, setcap, chmod u+s, unshare, nsenter, mount", "rights are what the sandbox takes away",
        "ATT&CK T1548.001", "leave it out",
    ),
    Rule(
        "native", "Side", "warning", "calls the system past Python",
        "ctypes and cffi with libc, and its functions connect, system, send, syscall …",
        "nothing of it can be read here", "ATT&CK T1106", _PLAIN,
    ),
    Rule(
        "hidden-code", "Side", "warning", "runs code that cannot be read",
        "exec, eval, compile, marshal, pickle of bytes in the source, base64 | sh", "nothing of it can be read here",
        "ATT&CK T1027", _PLAIN,
    ),
    Rule(
        "hidden-name", "Side", "warning", "takes a name that cannot be read",
        "getattr, __import__, importlib and __dict__ of modules that reach out, with a name that is made at run time",
        "what is called cannot be read here", "ATT&CK T1027", _PLAIN,
    ),
    Rule(
        "start-hook", "Side", "warning", "runs at every start of Python",
        "sitecustomize.py, usercustomize.py, .pth files with code", "it runs before the job, and in its tools",
        "ATT&CK T1546", "import it where it is needed",
    ),
    Rule(
        "prints-records", "Out", "warning", "prints records",
        "print, logging, raise and warnings of data frames, their rows, head(), sample(), to_string()",
        "the log leaves the VM", "CWE-532", "print shapes, counts and means",
    ),
    Rule(
        "tracks-records", "Out", "warning", "logs records",
        "mlflow.log_table, log_input, log_text, log_param and log_metric of rows, log_artifact of what was read",
        "what is logged leaves the VM", "CWE-200", "log figures and plots of many records together",
    ),
    Rule(
        "input-example", "Out", "warning", "puts records into the model",
        "input_example=, autolog(log_input_examples=True)", "the rows are stored beside the model", "CWE-200",
        "signature=infer_signature(…) keeps names and types alone; or an example that is made up",
    ),
    Rule(
        "stores-records", "Out", "warning", "pickles records",
        "pickle, joblib, dill, torch.save, skops of data frames, alone or with a model",
        "a model that holds them takes them along", "CWE-200", "store the model or its weights alone",
    ),
    Rule(
        "encoded-output", "Out", "warning", "prints what is encoded",
        "base64, hex, zlib and others in print, logging and mlflow", "nobody sees what leaves in it", "ATT&CK T1132",
        "print it plainly",
    ),
    Rule(
        "escape-output", "Out", "warning", "steers the reader's terminal",
        "OSC sequences (clipboard, links, titles) in text, pyperclip", "they act where the log is read",
        "CWE-150", "leave them out; colours are fine",
    ),
    Rule(
        "log-forwarding", "Out", "warning", "sends its log elsewhere",
        "SysLogHandler, SocketHandler, HTTPHandler, SMTPHandler, syslog, logger", "a log may be forwarded off the site",
        "CWE-532", "print: the log is kept with the run",
    ),
    Rule(
        "notebook-output", "Out", "warning", "a notebook with stored outputs",
        "tables and pictures in the outputs of cells", "outputs are copies of records", "CWE-540",
        "clear them: jupyter nbconvert --clear-output --inplace FILE",
    ),
    Rule(
        "write-outside", "Res", "warning", "writes outside of its folder",
        "files below ~, /home, /dev/shm, /var, /mnt and other fixed places that are neither /tmp nor the outputs",
        "it stays on the disk, or is lost with the run", "CWE-459", _OUTPUTS,
    ),
    Rule(
        "link", "Res", "warning", "makes a link to a place outside",
        "os.symlink, os.link, ln to fixed places outside", "what follows it leaves the folder", "CWE-59", _OUTPUTS,
    ),
    Rule(
        "stays-behind", "Res", "warning", "starts what outlives the job",
        "cron, at, systemd-run, nohup, setsid, daemons by two forks", "it would run on without the sandbox's limits",
        "ATT&CK T1053", "wait for each process that the job starts",
    ),
    Rule(
        "core-dump", "Res", "warning", "asks for core dumps",
        "RLIMIT_CORE, ulimit -c, gcore", "a core dump is the memory with the records in it", "CWE-528", "leave it out",
    ),
    Rule(
        "data-file", "Out", "refused", "a file of data",
        "CSV, JSON lines, Parquet, Arrow, NumPy, pickle, HDF5, SQLite, Excel, SAS, SPSS, DICOM, NIfTI by content",
        "code is kept and compared, data is not code", "CWE-540", _IGNORE,
    ),
    Rule(
        "small-data-file", "Out", "warning", "a small file of data",
        "the same below 64 kB and 200 rows", "it may be a table of records", "CWE-540", _IGNORE,
    ),
    Rule(
        "staged-data", "Out", "refused", "a copy of the site's data",
        "a file with the sha256, or the name and size, of what is staged on the VM", "it is the data itself", "CWE-540",
        _IGNORE,
    ),
    Rule(
        "images", "Out", "refused", "many pictures", "25 or more pictures", "a set of pictures is data", "CWE-540",
        _IGNORE,
    ),
    Rule(
        "opaque-file", "Out", "warning", "a file that cannot be looked into",
        "archives, compiled code, model weights", "it can hold anything", "ATT&CK T1027", _IGNORE,
    ),
    Rule(
        "private-key", "Out", "refused", "a private key", "PEM, OpenSSH and PuTTY keys",
        "whoever reads the code has it", "CWE-798", _SECRET,
    ),
    Rule(
        "account-key", "Out", "refused", "a storage account's key", "AccountKey=, account_key=, SharedAccessKey=",
        "it opens the whole account", "CWE-798", _SECRET,
    ),
    Rule(
        "sas-token", "Out", "refused", "a shared access signature", "sig= in an address or a token",
        "whoever reads the code has it", "CWE-798", _SECRET,
    ),
    Rule(
        "connection-string", "Out", "refused", "an address with a password", "scheme://user:password@host, Password=…;",
        "whoever reads the code has it", "CWE-798", _SECRET,
    ),
    Rule(
        "cloud-key", "Out", "refused", "a cloud's access key", "AWS, Google and Azure client secrets",
        "whoever reads the code has it", "CWE-798", _SECRET,
    ),
    Rule(
        "access-token", "Out", "refused", "an access token", "GitHub, GitLab, Hugging Face, Slack, PyPI, npm, JWT",
        "whoever reads the code has it", "CWE-798", _SECRET,
    ),
    Rule(
        "password", "Out", "refused", "a password in the code",
        "a text of much entropy that is given to a name such as password, secret, token, api_key",
        "whoever reads the code has it", "CWE-798", _SECRET,
    ),
    Rule(
        "link-outside", "Out", "refused", "a link that leaves the folder", "symbolic links to a place outside",
        "what it leads to would travel", "CWE-59", "take it away, or list it in .amlignore",
    ),
    Rule(
        "not-sendable", "Out", "refused", "cannot be sent",
        "pipes, devices, sockets, names that are not UTF-8, files that cannot be read",
        "a snapshot has files, folders and links", "", "take it away, or list it in .amlignore",
    ),
    Rule(
        "too-much", "Out", "refused", "more than a snapshot may have", "300 MB, 2,000 files",
        "a snapshot is code", "", "list what the job does not need in .amlignore",
    ),
    Rule(
        "not-read", "Side", "warning", "could not be looked at",
        "source that is too large, nested too deeply, not UTF-8, or not Python", "nothing of it can be told", "",
        "make it a file that Python reads",
    ),
    Rule(
        "other-language", "Side", "note", "code that the scan does not read",
        "R, Julia, C, C++, CUDA, Fortran, Java, Scala, Go, Rust, JavaScript, Perl, Ruby, MATLAB, SAS …",
        "it can send and leave behind what any code can", "",
        "read it yourself; the sandbox holds it as it does all code",
    ),
    Rule(
        "allowance", "Side", "note", "an allowance that does not count",
        "allow without a reason, or with a rule that there is not", "a reason is what is recorded", "",
        "# trainshed: allow RULE because REASON",
    ),
)  # fmt: skip

BY_ID = {rule.id: rule for rule in RULES}
