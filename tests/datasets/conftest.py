"""What tests of data sets share."""

import pytest

from sklearn_lsh.datasets import copies


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(copies, "SYSTEM_FOLDERS", {})
    monkeypatch.setenv("SKLEARN_LSH_DATA", str(tmp_path))
    return tmp_path
