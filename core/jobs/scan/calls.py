"""What a name means when it is called: tables from dotted names to rules, and to what carries records."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from .found import listed


def _names(text: str) -> Iterator[str]:
    """`a.{b c}.d` is two names."""
    for word in re.findall(r"(?:[^\s{}]|\{[^}]*\})+", text):
        found = re.search(r"\{([^}]*)\}", word)
        if found is None:
            yield word
        else:
            for part in found[1].split():
                yield from _names(word.replace(found[0], part, 1))


_VERBS = "{get post put patch delete head options request send}"
_SESSION = (
    "{requests.Session() requests.session() requests.sessions.Session() requests_toolbelt.sessions.BaseUrlSession()}"
)

_CALLS = {
    "http": f"""
        requests.{_VERBS} requests.api.{_VERBS} {_SESSION}.{_VERBS} requests_futures.sessions.FuturesSession().{_VERBS}
        httpx.{_VERBS} httpx.stream httpx.{{Client() AsyncClient()}}.{_VERBS} httpx.{{Client() AsyncClient()}}.stream
        aiohttp.ClientSession().{_VERBS} aiohttp.request aiohttp.client.ClientSession().{_VERBS}
        urllib.request.{{urlopen urlretrieve}} urllib.request.{{URLopener() FancyURLopener() build_opener()}}.open
        urllib3.{{request proxy_from_url connection_from_url}} urllib3.{{HTTPConnectionPool HTTPSConnectionPool}}
        urllib3.{{PoolManager() ProxyManager() HTTPConnectionPool() HTTPSConnectionPool()}}.{{request urlopen}}
        http.client.{{HTTPConnection HTTPSConnection}} pycurl.Curl xmlrpc.client.ServerProxy treq.{_VERBS}
        httplib2.Http().request tornado.httpclient.{{HTTPClient() AsyncHTTPClient()}}.fetch zeep.Client
        grequests.{_VERBS} gradio_client.Client prometheus_client.{{push_to_gateway pushadd_to_gateway}}
        pyngrok.ngrok.connect ngrok.{{connect forward}} openai.{{OpenAI AsyncOpenAI}} anthropic.Anthropic
        """,
    "object-store": """
        boto3.{client resource Session session.Session} boto.connect_s3 botocore.session.get_session minio.Minio
        azure.storage.blob.{BlobServiceClient ContainerClient BlobClient upload_blob_to_url download_blob_from_url}
        azure.storage.blob.{BlobServiceClient ContainerClient BlobClient}.{from_connection_string from_blob_url}
        azure.storage.blob.aio.{BlobServiceClient ContainerClient BlobClient}
        azure.storage.filedatalake.DataLakeServiceClient azure.storage.fileshare.{ShareClient ShareServiceClient}
        azure.storage.queue.QueueClient azure.data.tables.TableServiceClient azure.ai.ml.MLClient
        azureml.core.{Workspace Workspace.from_config Datastore Dataset.get_by_name}
        google.cloud.storage.Client google.cloud.bigquery.Client ?.to_gbq gcsfs.GCSFileSystem s3fs.S3FileSystem
        adlfs.AzureBlobFileSystem pyarrow.fs.{S3FileSystem GcsFileSystem} dropbox.Dropbox pydrive.drive.GoogleDrive
        googleapiclient.discovery.build gspread.{authorize service_account} libcloud.storage.providers.get_driver
        """,
    "socket": """
        socket.socket().{connect connect_ex sendto sendmsg} socket.create_connection
        asyncio.{open_connection create_connection create_datagram_endpoint}
        asyncio.{get_event_loop() get_running_loop() new_event_loop()}.{create_connection sock_connect}
        asyncio.{get_event_loop() get_running_loop() new_event_loop()}.create_datagram_endpoint
        websocket.{create_connection WebSocketApp} websockets.connect websockets.sync.client.connect
        aiohttp.ClientSession().ws_connect socketio.{Client SimpleClient} grpc.{insecure_channel secure_channel}
        grpc.aio.{insecure_channel secure_channel} trio.open_tcp_stream anyio.connect_tcp zmq.Context().socket().connect
        zmq.Context.instance().socket().connect aioquic.asyncio.connect twisted.internet.reactor.connectTCP
        """,
    "raw-socket": "scapy.all.{send sr sr1 sendp srp} scapy.sendrecv.{send sr sr1} icmplib.ping ping3.ping",
    "unix-socket": """
        socket.socket(unix).{connect connect_ex sendto sendmsg} asyncio.open_unix_connection
        asyncio.{get_event_loop() get_running_loop()}.create_unix_connection
        """,
    "dns": """
        socket.{getaddrinfo gethostbyname gethostbyname_ex} asyncio.get_event_loop().getaddrinfo
        asyncio.get_running_loop().getaddrinfo dns.resolver.{resolve query Resolver} dns.query.{udp tcp https}
        aiodns.DNSResolver
        """,
    "ssh": """
        paramiko.{SSHClient Transport client.SSHClient} asyncssh.{connect scp} fabric.Connection scp.SCPClient
        pysftp.Connection sshtunnel.SSHTunnelForwarder
        """,
    "mail": """
        smtplib.{SMTP SMTP_SSL LMTP} imaplib.{IMAP4 IMAP4_SSL} poplib.{POP3 POP3_SSL} yagmail.SMTP aiosmtplib.send
        """,
    "ftp": "ftplib.{FTP FTP_TLS} telnetlib.Telnet nntplib.{NNTP NNTP_SSL} aioftp.Client",
    "database": """
        psycopg2.connect psycopg.{connect Connection.connect} pymysql.connect MySQLdb.connect mysql.connector.connect
        pymongo.MongoClient motor.motor_asyncio.AsyncIOMotorClient redis.{Redis StrictRedis from_url Redis.from_url}
        kafka.{KafkaProducer KafkaConsumer} confluent_kafka.Producer pika.BlockingConnection pyodbc.connect
        paho.mqtt.client.Client paho.mqtt.publish.{single multiple} elasticsearch.Elasticsearch oracledb.connect
        cx_Oracle.connect snowflake.connector.connect sqlalchemy.create_engine asyncpg.connect cassandra.cluster.Cluster
        influxdb_client.InfluxDBClient azure.eventhub.EventHubProducerClient celery.Celery
        """,
    "tracker": """
        wandb.{init login log_artifact Api} comet_ml.{Experiment start init} neptune.{init_run init init_model}
        clearml.Task.init sentry_sdk.init mlflow.{set_tracking_uri set_registry_uri login}
        mlflow.{MlflowClient tracking.MlflowClient client.MlflowClient} dagshub.{init upload_files} aim.Run
        newrelic.agent.initialize datadog.initialize bugsnag.configure rollbar.init
        posthog.capture analytics.track applicationinsights.TelemetryClient
        azure.monitor.opentelemetry.configure_azure_monitor opencensus.ext.azure.log_exporter.AzureLogHandler
        weave.init swanlab.init
        """,
    "upload": """
        ?.push_to_hub ?.save_to_hub huggingface_hub.HfApi().{upload_file upload_folder upload_large_folder}
        huggingface_hub.HfApi().create_commit
        huggingface_hub.{upload_file upload_folder create_commit push_to_hub_fastai} kaggle.api.dataset_create_new
        huggingface_hub.{login notebook_login Repository} dvc.repo.Repo().push git.Repo().git.push
        git.{Repo Repo()}.{clone_from push} git.Repo().{remote() remotes.origin}.push
        """,
    "download": """
        torch.hub.{load load_state_dict_from_url download_url_to_file} torchvision.datasets.utils.download_url
        sklearn.datasets.{fetch_openml fetch_california_housing fetch_20newsgroups fetch_covtype fetch_lfw_people}
        datasets.load_dataset nltk.download gdown.{download download_folder} spacy.cli.download wget.download
        huggingface_hub.{hf_hub_download snapshot_download} kagglehub.{dataset_download model_download}
        tensorflow_datasets.load keras.utils.get_file tensorflow.keras.utils.get_file openml.datasets.get_dataset
        {keras tensorflow.keras}.datasets.{mnist cifar10 cifar100 imdb fashion_mnist boston_housing}.load_data
        """,
    "install": "pip.{main _internal.main _internal.cli.main.main} conda.cli.main ensurepip.bootstrap",
    "metadata": """
        azure.identity.{DefaultAzureCredential ManagedIdentityCredential aio.DefaultAzureCredential}
        """,
    "docker": """
        docker.{from_env DockerClient APIClient} podman.PodmanClient
        kubernetes.config.{load_incluster_config load_kube_config}
        """,
    "workers": """
        ray.init dask.distributed.Client distributed.Client multiprocessing.connection.Client
        multiprocessing.managers.{BaseManager SyncManager} torch.distributed.init_process_group
        torch.distributed.TCPStore torch.distributed.rpc.init_rpc rpyc.connect Pyro5.api.Proxy ipyparallel.Client
        """,
    "listener": """
        http.server.{HTTPServer ThreadingHTTPServer} socketserver.{TCPServer ThreadingTCPServer UDPServer}
        asyncio.start_server flask.Flask().run uvicorn.run waitress.serve aiohttp.web.run_app bottle.run
        xmlrpc.server.SimpleXMLRPCServer multiprocessing.connection.Listener wsgiref.simple_server.make_server
        """,
    "inherited": "socket.{fromfd fromshare} socket.recv_fds",
    "privilege": """
        os.{setuid seteuid setreuid setresuid setgid unshare setns} prctl.set_caps pyroute2.netns.{setns create}
        pyroute2.{IPRoute NetNS}
        """,
    "native": "cffi.FFI().dlopen ctypes.util.find_library",
    "hidden-code": "code.{interact InteractiveInterpreter} types.{CodeType FunctionType} marshal.{loads load}",
    "log-forwarding": """
        logging.handlers.{SysLogHandler SocketHandler DatagramHandler HTTPHandler SMTPHandler} syslog.syslog
        systemd.journal.send logstash_async.handler.AsynchronousLogstashHandler fluent.sender.FluentSender
        """,
    "escape-output": "pyperclip.copy",
    "stays-behind": "daemon.DaemonContext daemonize.Daemonize crontab.CronTab os.daemon",
}

CALLS: dict[str, str] = {name: rule for rule, text in _CALLS.items() for name in _names(text)}

RUNS = frozenset(
    _names(
        "os.{system popen execl execle execlp execv execve execvp execvpe spawnl spawnv spawnvp spawnlp posix_spawn "
        "posix_spawnp} subprocess.{run call check_call check_output Popen getoutput getstatusoutput} pty.spawn "
        "asyncio.{create_subprocess_exec create_subprocess_shell} commands.getoutput sh.Command plumbum.local "
        "pexpect.{spawn run} asyncio.subprocess.{create_subprocess_exec create_subprocess_shell}"
    )
)
PRINTS = frozenset(
    _names(
        "builtins.print pprint.{pprint pp} sys.{stdout stderr __stdout__ __stderr__}.{write writelines} warnings.warn "
        "logging.{debug info warning error exception critical log} tqdm.{tqdm.write auto.tqdm.write} click.echo "
        "logging.getLogger().{debug info warning error exception critical log} rich.print IPython.display.display "
        "loguru.logger.{debug info warning error exception critical log} builtins.display absl.logging.info "
        "rich.console.Console().{print log} icecream.ic sys.exit builtins.exit"
    )
)
LOGGER = re.compile(r"\?\w*log(?:ger)?\.(?:debug|info|warning|error|exception|critical)", re.IGNORECASE)
TRACKS = frozenset(
    _names(
        "mlflow.{log_table log_text log_dict log_param log_params log_metric log_metrics set_tag set_tags log_artifact "
        "log_artifacts log_image}"
    )
)
PICKLES = frozenset(
    _names(
        "{pickle joblib dill cloudpickle}.{dump dumps} torch.save skops.io.{dump dumps} jsonpickle.encode shelve.open"
    )
)
ENCODES = frozenset(
    _names(
        "base64.{b64encode standard_b64encode urlsafe_b64encode b32encode b16encode b85encode a85encode encodebytes} "
        "binascii.{hexlify b2a_hex b2a_base64} zlib.compress gzip.compress bz2.compress lzma.compress codecs.encode"
    )
)
# What gives records, and what of it still is records.
RECORDS = frozenset(
    _names(
        "pandas.{read_csv read_table read_parquet read_excel read_json read_feather read_pickle read_hdf read_orc "
        "read_sql read_sql_query read_sql_table read_sas read_spss read_stata read_fwf read_xml} "
        "polars.{read_csv read_parquet read_json read_ndjson read_excel "
        "read_database scan_csv scan_parquet} pyarrow.parquet.read_table "
        "pyarrow.csv.read_csv pyarrow.feather.read_table dask.dataframe.{read_csv read_parquet} numpy.{load loadtxt "
        "genfromtxt fromfile} csv.{reader DictReader} datasets.load_from_disk pydicom.dcmread modin.pandas.read_csv"
    )
)
KEPT = listed(
    "head tail sample copy dropna fillna astype query drop drop_duplicates rename sort_values sort_index reset_index "
    "set_index loc iloc at iat values to_numpy to_string to_markdown to_csv to_json to_html to_dict to_records T merge "
    "join assign replace nlargest nsmallest iterrows itertuples tolist flatten ravel reshape toarray collect to_pandas "
    "to_pylist rows iter_rows limit filter select items itertuples squeeze decode encode strip"
)
PASSED_ON = frozenset(
    _names(
        "builtins.{str repr list tuple dict sorted next iter enumerate zip reversed float int bytes ascii format set} "
        "numpy.{array asarray concatenate stack vstack hstack array2string array_str} json.dumps tabulate.tabulate "
        "pprint.pformat copy.{copy deepcopy} pandas.{concat DataFrame} torch.{tensor from_numpy as_tensor} "
        "sklearn.model_selection.train_test_split mlflow.data.from_pandas builtins.map builtins.filter msgpack.packb"
    )
)

# Which argument of a call is the path that it writes.
WRITES: dict[str, int] = {
    **dict.fromkeys(
        _names(
            "?.{to_csv to_parquet to_pickle to_excel to_json to_feather to_hdf to_html to_stata to_orc write_csv "
            "write_parquet savefig save save_model save_pretrained imsave write_image write_html tofile} "
            "numpy.{save savez savez_compressed savetxt} cv2.imwrite os.mkfifo sqlite3.connect imageio.imwrite "
            "matplotlib.pyplot.savefig h5py.File soundfile.write"
        ),
        0,
    ),
    **dict.fromkeys(
        _names(
            "torch.save joblib.dump shutil.{copy copy2 copyfile move copytree} os.{rename replace} skops.io.dump "
            "pyarrow.parquet.write_table safetensors.torch.save_file"
        ),
        1,
    ),
}
OPENS = frozenset(_names("builtins.open {io codecs gzip bz2 lzma}.open os.open"))
LINKS = frozenset(_names("os.{symlink link} ?.symlink_to ?.hardlink_to"))

# Modules whose names count as those of another.
SAME = {
    "posix": "os", "_socket": "socket", "__builtin__": "builtins", "_pickle": "pickle", "cPickle": "pickle",
    "posixpath": "os.path", "urllib2": "urllib.request", "commands": "subprocess", "sklearn.externals.joblib": "joblib",
    "tensorflow.python.keras": "tensorflow.keras", "lightning": "pytorch_lightning",
}  # fmt: skip

# Modules that reach out: with a name of theirs that is made at run time nothing can be told.
REACHING = listed(
    "os socket subprocess builtins importlib requests urllib http httpx aiohttp ctypes smtplib ftplib paramiko boto3 "
    "pty marshal posix _socket"
)


def words_of(names: Iterable[str]) -> set[str]:
    """One word of each name that a text which uses it has: the module, or the last part where that is common."""
    found = set()
    for name in names:
        parts = re.findall(r"\w+", name)
        common = parts[0] in _COMMON or name.startswith("?")
        found.add(parts[-1] if common else parts[0])
    return found


_COMMON = listed("os torch mlflow numpy pandas sklearn builtins sys logging asyncio code types keras copy json")
