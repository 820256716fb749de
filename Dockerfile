# syntax=docker/dockerfile:1
# The studio in a container, without root and with every package checked against its hash.
#   docker build --target cpu  -t tianji-studio:cpu  .    without the training part; about 1 GB
#   docker build --target cuda -t tianji-studio:cuda .    all of it; for a card, but it runs without one; about 10 GB
#   docker run -p 127.0.0.1:6006:6006 -v tianji:/workspace tianji-studio:cpu
# The link to log in with for the first time is in `docker logs`. Another index of packages:
#   --build-arg PIP_INDEX_URL=ADDRESS
ARG PYTHON_IMAGE=python:3.12-slim-bookworm

FROM ${PYTHON_IMAGE} AS base
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PIP_DISABLE_PIP_VERSION_CHECK=1

FROM base AS light-packages
ARG PIP_INDEX_URL
COPY requirements-light.txt /tmp/
RUN python -m venv /opt/studio \
    && /opt/studio/bin/pip install --no-cache-dir --require-hashes -r /tmp/requirements-light.txt

FROM base AS all-packages
ARG PIP_INDEX_URL
COPY requirements.txt requirements-xtuner.txt /tmp/
RUN python -m venv /opt/studio \
    && /opt/studio/bin/pip install --no-cache-dir --require-hashes -r /tmp/requirements.txt \
    && /opt/studio/bin/pip install --no-cache-dir --require-hashes --no-deps -r /tmp/requirements-xtuner.txt

FROM base AS studio
RUN useradd --uid 10001 --create-home studio && install -d -o studio -g studio /workspace
WORKDIR /app
COPY app.py pyproject.toml LICENSE requirements*.txt ./
COPY .streamlit/config.toml .streamlit/config.toml
COPY configs configs
COPY docs/guide docs/guide
COPY locale locale
COPY pages pages
COPY tianji_core tianji_core
RUN chmod -R a+rX /app && python -m compileall -q /app
ENV PATH=/opt/studio/bin:$PATH TIANJI_HOME=/workspace
USER studio
VOLUME /workspace
EXPOSE 6006
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:6006/_stcore/health', timeout=4)"]
CMD ["python", "-m", "tianji_core", "studio", "--host", "0.0.0.0", "--port", "6006"]

FROM studio AS cuda
COPY --from=all-packages /opt/studio /opt/studio

FROM studio AS cpu
COPY --from=light-packages /opt/studio /opt/studio
