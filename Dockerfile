# The HTTP server of mailquery: docs/deployment.md. `docker build -t mailquery .`
ARG PYTHON=3.13-slim-trixie

# --- everything is put together here, and only /opt/mailquery of it is kept ---
FROM python:${PYTHON} AS build

ENV UV_COMPILE_BYTECODE=1 \
    UV_LINK_MODE=copy \
    UV_NO_CACHE=1 \
    UV_PYTHON_DOWNLOADS=never

WORKDIR /build
COPY scripts/lib/uv-requirements.lock ./
RUN python -m venv /opt/uv \
 && /opt/uv/bin/pip install --no-cache-dir --disable-pip-version-check --no-deps --only-binary :all: --require-hashes \
      -r uv-requirements.lock

# What the program needs, exactly as locked. Nothing is compiled: there is no compiler.
COPY requirements.lock ./
RUN /opt/uv/bin/uv venv --no-project /opt/mailquery \
 && /opt/uv/bin/uv pip sync --python /opt/mailquery --require-hashes --no-build requirements.lock

# The program. What built it, and what tests its libraries, stays behind.
COPY pyproject.toml README.md LICENSE ./
COPY config config
COPY infra infra
COPY modules modules
RUN /opt/uv/bin/uv pip install --python /opt/mailquery --offline --no-deps --no-build-isolation . \
 && /opt/uv/bin/uv pip uninstall --python /opt/mailquery hatchling pathspec pluggy trove-classifiers \
 && /opt/uv/bin/uv pip check --python /opt/mailquery \
 && find /opt/mailquery/lib -type d \( -name tests -o -name test \) -prune -exec rm -rf {} +

# --- what runs ---
FROM python:${PYTHON}

ARG VERSION=0.1.0
ARG REVISION=unknown
ARG UID=10001
# Whoever publishes an image in a registry of MCP servers names it in a namespace of their own (see server.json).
ARG MCP_SERVER_NAME=io.github.mailquery/mailquery

LABEL org.opencontainers.image.title="mailquery" \
      org.opencontainers.image.description="An MCP server that lets an AI assistant search and read a person's mail, offline and safely." \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      io.modelcontextprotocol.server.name="${MCP_SERVER_NAME}"

# The numbers are stated, so that a volume keeps its owner from one image to the next. pip is not needed any more.
RUN groupadd --gid "${UID}" mailquery \
 && useradd --uid "${UID}" --gid "${UID}" --home-dir /data --no-create-home --shell /usr/sbin/nologin mailquery \
 && install -d -o mailquery -g mailquery -m 0700 /data \
 && python -m pip uninstall --yes --quiet --root-user-action=ignore pip

COPY --from=build /opt/mailquery /opt/mailquery
COPY config /etc/mailquery

# In a container every address of it is listened at: keys are asked for (config/production.yaml), and the port is
# published by whoever runs it.
ENV PATH=/opt/mailquery/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    MAILQUERY_CONFIG_DIR=/etc/mailquery \
    MAILQUERY_ENVIRONMENT=production \
    MAILQUERY_HOME=/data \
    MAILQUERY_HTTP__HOST=0.0.0.0 \
    MAILQUERY_METRICS__HOST=0.0.0.0

USER ${UID}:${UID}
WORKDIR /data
VOLUME /data
EXPOSE 8765 9464

HEALTHCHECK --interval=30s --timeout=10s --start-period=60s --start-interval=2s --retries=3 \
  CMD ["mailquery", "health"]

ENTRYPOINT ["mailquery"]
CMD ["serve", "--transport", "http"]
