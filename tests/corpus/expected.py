"""What becomes of each command file of azureml-examples: it runs, or the reason that is said.

`parts` have to be found in what a person reads (notices, errors, the log) or among what the run left.
"""

from __future__ import annotations

from dataclasses import dataclass

from .site import for_cpu
from .tried import FAILS, NOT_BUILT, REFUSED, RUNS, STARTS


@dataclass(frozen=True)
class Outcome:
    verdict: str
    parts: tuple[str, ...]


@dataclass(frozen=True)
class Expected:
    """`why`: the reason of what does not run, in a person's words. With `enough` in its log a run is ended."""

    docker: Outcome
    bwrap: Outcome
    why: str = ""
    enough: str = ""

    def outcome(self, engine: str) -> Outcome:
        return self.docker if engine == "docker" else self.bwrap


def runs(*parts: str, why: str = "") -> Expected:
    return Expected(Outcome(RUNS, parts), Outcome(RUNS, parts), why)


def refused(*parts: str, why: str) -> Expected:
    return Expected(Outcome(REFUSED, parts), Outcome(REFUSED, parts), why)


def fails(*parts: str, why: str) -> Expected:
    return Expected(Outcome(FAILS, parts), Outcome(FAILS, parts), why)


def without_image(image: str, *parts: str, why: str) -> Expected:
    """An image, or a Dockerfile that begins with one, that this machine has no way to."""
    return Expected(Outcome(NOT_BUILT, (image, "docker load", *parts)), Outcome(REFUSED, ("needs Docker",)), why)


SEVERAL = "would run on several machines or processes"
LOOKED = "and a job has no network: packages come with its environment"
PIP = "command: pip install: a job has no network"
IRIS = ("sepal_length", "iris.csv: ")
AUTOLOG = ("metric training_", "model model")

FETCHES = "its code fetches a data set from the internet: no network"
UNLIKE_PAIR = fails(
    "torchvision::nms does not exist",
    why="torch here is for the CPU, the index's torchvision for GPUs; else it would fetch a data set: no network",
)

# What is said of a job of another kind, at its end.
LATER = "jobs are not done yet; only command jobs are"
NEVER = "only command jobs are done here"
REFUSALS = {
    "pipeline": f"pipeline {LATER}",
    "sweep": f"sweep {LATER}",
    "automl": NEVER,
    "spark": NEVER,
    "parallel": NEVER,
    "finetuning": NEVER,
    "distillation": NEVER,
}

ONE_PROCESS = "we refuse, Azure takes"  # several machines or processes: one VM is no cluster
UNFIT = "we refuse, Azure refuses"  # a placeholder that is to be filled in, or a folder that is not there

# Where the two readings are known to differ.
DEPARTURES = {
    "best-practices/largescale-deep-learning/Training/Bert-Pretrain/AML-DeepSpeed-submit.yml": ONE_PROCESS,
    "best-practices/largescale-deep-learning/Training/Bert-Pretrain/AML-submit.yml": ONE_PROCESS,
    "best-practices/largescale-deep-learning/Training/Bloom-Pretrain/src/deepspeed-BLOOM-AML-SDKv2.yaml": ONE_PROCESS,
    "cli/jobs/deepspeed/deepspeed-training/job.yml": ONE_PROCESS,
    "cli/jobs/nebulaml/cifar10_deepspeed/job.yml": UNFIT,
    "cli/jobs/single-step/dask/nyctaxi/job.yml": ONE_PROCESS,
    "cli/jobs/single-step/java/iris/job-template.yml": UNFIT,
    "cli/jobs/single-step/pytorch/cifar-distributed/job.yml": ONE_PROCESS,
    "cli/jobs/single-step/tensorflow/mnist-distributed/job.yml": ONE_PROCESS,
}

EXPECTED = {
    "best-practices/largescale-deep-learning/Debugging/Compute/health_job.yaml": without_image(
        "aznhc/aznhc-nv", "docker_args not used", why="an image for GPU nodes that cannot be had"
    ),
    "best-practices/largescale-deep-learning/Training/Bert-Pretrain/AML-DeepSpeed-submit.yml": refused(
        "yml:21: distribution.process_count_per_instance", SEVERAL, why="16 processes on 2 machines"
    ),
    "best-practices/largescale-deep-learning/Training/Bert-Pretrain/AML-submit.yml": refused(
        "yml:18: distribution.process_count_per_instance", SEVERAL, why="16 processes on 2 machines"
    ),
    "best-practices/largescale-deep-learning/Training/Bloom-Pretrain/src/deepspeed-BLOOM-AML-SDKv2.yaml": refused(
        "yaml:82: distribution.process_count_per_instance", SEVERAL, why="8 processes"
    ),
    "cli/jobs/basics/hello-code.yml": runs("hello-iris.py"),
    "cli/jobs/basics/hello-data-uri-folder.yml": runs("sample1.csv"),
    "cli/jobs/basics/hello-dataset.yml": runs("sample1.csv"),
    "cli/jobs/basics/hello-git.yml": Expected(
        Outcome(RUNS, (PIP, "Requirement already satisfied: pygit2", "Repository('.').head.shorthand error")),
        Outcome(FAILS, (PIP, "Requirement already satisfied: pygit2", "failed to load certificates")),
        why="bwrap: pygit2 does not import without the machine's certificates, which this sandbox does not show",
    ),
    "cli/jobs/basics/hello-interactive.yml": Expected(
        Outcome(STARTS, ("services: not applicable",)),
        Outcome(STARTS, ("services: not applicable",)),
        why="trains, then sleeps 600 s for visitors, who cannot come; ended by the campaign",
        enough="Training ... With default parameters",
    ),
    "cli/jobs/basics/hello-iris-datastore-file.yml": runs(*IRIS),
    "cli/jobs/basics/hello-iris-datastore-folder.yml": runs(*IRIS),
    "cli/jobs/basics/hello-iris-file.yml": runs(*IRIS),
    "cli/jobs/basics/hello-iris-folder.yml": runs(*IRIS, "diabetes.csv"),
    "cli/jobs/basics/hello-iris-literal.yml": fails(
        "inputs.iris_csv: is passed on as text, and a job has no network",
        "URLError",
        LOOKED,
        why="the address is a literal, and the job fetches it itself: no network",
    ),
    "cli/jobs/basics/hello-mlflow.yml": runs("param hello_param", "metric hello_metric", "artifact helloworld.txt"),
    "cli/jobs/basics/hello-model-as-input.yml": runs("MLmodel", "model.pkl"),
    "cli/jobs/basics/hello-model-as-output.yml": runs("output_folder/my_model/MLmodel: "),
    "cli/jobs/basics/hello-notebook.yml": runs(PIP, "Requirement already satisfied: papermill", "out.ipynb: "),
    "cli/jobs/basics/hello-world-env-var.yml": runs("hello world"),
    "cli/jobs/basics/hello-world-input.yml": runs("hello world\n42"),
    "cli/jobs/basics/hello-world-org.yml": runs("hello world"),
    "cli/jobs/basics/hello-world-output-data.yml": runs("hello_output/helloworld.txt: hello world"),
    "cli/jobs/basics/hello-world-output.yml": runs("helloworld.txt: hello world"),
    "cli/jobs/basics/hello-world.yml": runs("hello world"),
    "cli/jobs/deepspeed/deepspeed-training/job.yml": refused(
        "yml:23: distribution.process_count_per_instance", SEVERAL, why="16 processes on 2 machines"
    ),
    "cli/jobs/nebulaml/PyTorch_CNN_MNIST/job.yml": UNLIKE_PAIR if for_cpu() else fails("URLError", LOOKED, why=FETCHES),
    "cli/jobs/nebulaml/cifar10_deepspeed/job.yml": refused(
        "yml:8: environment: '< your environment name >' is not an environment", why="a placeholder to be filled in"
    ),
    "cli/jobs/single-step/dask/nyctaxi/job.yml": refused(
        "yml:20: resources.instance_count", SEVERAL, why="a cluster of 4 machines"
    ),
    "cli/jobs/single-step/gpu_perf/gpu_perf_job.yml": without_image(
        "azureml/openmpi4.1.0-cuda11.1-cudnn8-ubuntu18.04", why="a GPU image that cannot be had"
    ),
    "cli/jobs/single-step/java/iris/job-template.yml": refused(
        "yml:2: code: there is no folder", why="a template: its code folder is not in the collection"
    ),
    "cli/jobs/single-step/julia/iris/job.yml": without_image(
        "azureml/openmpi3.1.2-ubuntu18.04", why="an image that cannot be had"
    ),
    "cli/jobs/single-step/lightgbm/iris/job.yml": runs("metric test-multi_logloss", "model model"),
    "cli/jobs/single-step/on-behalf-of/job.yaml": Expected(
        Outcome(NOT_BUILT, ("azureml/openmpi3.1.2-ubuntu18.04", "identity: not applicable")),
        Outcome(NOT_BUILT, ("the job asks for Python 3.8.12 and the VM has", "identity: not applicable")),
        why="signs in to Azure; its image cannot be had, its Python neither",
    ),
    "cli/jobs/single-step/pytorch/cifar-distributed/job.yml": refused(
        "yml:20: resources.instance_count", SEVERAL, why="2 machines"
    ),
    "cli/jobs/single-step/pytorch/iris/job.yml": runs(
        PIP, "Requirement already satisfied: torch", "metric test_accuracy", "param learning_rate"
    ),
    "cli/jobs/single-step/pytorch/word-language-model/job.yml": fails("CUDA", why="--cuda: wants a GPU"),
    "cli/jobs/single-step/r/accidents/job.yml": without_image("rocker/tidyverse", why="an image that cannot be had"),
    "cli/jobs/single-step/r/iris/job.yml": without_image("rocker/tidyverse", why="an image that cannot be had"),
    "cli/jobs/single-step/scikit-learn/diabetes/job.yml": runs(*AUTOLOG),
    "cli/jobs/single-step/scikit-learn/iris-notebook/job.yml": Expected(
        Outcome(FAILS, ("URLError", LOOKED)),
        Outcome(REFUSED, ("needs Docker", "docker-context")),
        why="its notebook fetches the data set from the internet: no network; bwrap has no Dockerfiles",
    ),
    "cli/jobs/single-step/scikit-learn/iris/job-docker-context.yml": Expected(
        Outcome(RUNS, AUTOLOG), Outcome(REFUSED, ("needs Docker", "docker-context")), why="bwrap has no Dockerfiles"
    ),
    "cli/jobs/single-step/scikit-learn/iris/job.yml": runs(*AUTOLOG),
    "cli/jobs/single-step/spark/nyctaxi/job.yml": refused(
        "inputs.nyc_taxi_dataset", "cannot be had on site", why="47 GB of data that the site has not"
    ),
    "cli/jobs/single-step/tensorflow/mnist-distributed/job.yml": refused(
        "yml:13: resources.instance_count", SEVERAL, why="2 machines"
    ),
    "cli/jobs/single-step/tensorflow/mnist/job.yml": fails("URL fetch failure", LOOKED, why=FETCHES),
}
