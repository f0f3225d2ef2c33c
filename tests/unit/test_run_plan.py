"""What is found out before anything on the VM is touched."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.errors import JobError
from core.runs import plan

from .test_job_resolve import site


@pytest.mark.parametrize("word", ["csv", "tensorboard:../up"])
def test_an_unknown_source_of_metrics_is_an_error_of_the_job_file(tmp_path: Path, word: str) -> None:
    path = tmp_path / "job.yml"
    path.write_text(f"command: 'true'\nenvironment: azureml:e:1\ntags: {{trainshed.metrics: lines {word}}}\n")
    with pytest.raises(JobError) as raised:
        plan.make(path, {}, site())
    assert str(path) in raised.value.title and word in raised.value.title and "FOLDER" in raised.value.hint
