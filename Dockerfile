# The course in a container: JupyterLab on port 8888, run by an ordinary user. How to build it, use it and grade in it: docs/containers.md
FROM python:3.12-slim

RUN useradd --create-home learner && install --directory --owner=learner --group=learner /course
USER learner
WORKDIR /course

# Packages first: while these three files stay the same, a change of a lesson installs nothing again. PyTorch without CUDA, from its makers' own index.
COPY --chown=learner:learner pyproject.toml constraints.txt start.py ./
RUN mkdir course_lib runs build && touch course_lib/__init__.py README.md LICENSE \
    && UV_COMPILE_BYTECODE=1 PIP_NO_CACHE_DIR=1 PIP_EXTRA_INDEX_URL=https://download.pytorch.org/whl/cpu python start.py install

COPY --chown=learner:learner . .

# As if .venv were activated: course, jupyter and python are those of the course.
ENV VIRTUAL_ENV=/course/.venv PATH=/course/.venv/bin:$PATH JUPYTER_PREFER_ENV_PATH=1

EXPOSE 8888
HEALTHCHECK --start-period=60s CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8888/api', timeout=5)"]

# What make lab starts. JupyterLab prints the address with its token; 0.0.0.0 is the inside of the container, docker run says who may reach it.
CMD ["python", "start.py", "lab", "--no-browser", "--ip=0.0.0.0", "--port=8888"]
