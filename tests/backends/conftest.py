import pytest


@pytest.fixture(params=["torch", "keras"])
def framework(request) -> str:
    return request.param
