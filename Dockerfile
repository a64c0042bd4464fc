# The processor, its commands and the vendor emulators, as one small image that runs as nobody in particular.

FROM python:3.11-slim AS build
# A base image that is Debian's own Python comes without its headers.
RUN apt-get update -qq && apt-get install -qq -y --no-install-recommends gcc libc6-dev \
    && { [ -e "$(python -c 'import sysconfig; print(sysconfig.get_path("include"))')/Python.h" ] \
        || apt-get install -qq -y --no-install-recommends libpython3-dev; } \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /src
RUN python -m venv /opt/prompt-actions && python -m venv /opt/build
COPY requirements.txt requirements-build.txt ./
RUN /opt/prompt-actions/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes -r requirements.txt \
    && /opt/build/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes -r requirements-build.txt \
        -r requirements.txt
COPY pyproject.toml README.md LICENSE ./
COPY schemas schemas
COPY config config
COPY connectors connectors
COPY console console
COPY processor processor
COPY testkit testkit
# The locked backend builds the wheel, and nothing more is fetched.
RUN /opt/build/bin/pip wheel --no-deps --no-build-isolation --wheel-dir /dist . \
    && /opt/prompt-actions/bin/pip install --no-cache-dir --no-deps --no-index /dist/*.whl
COPY compiling compiling
# The hot path as C, beside its sources; compiled away from the libraries, which the type checker would take for ours. The
# check fails the build where it would run interpreted.
RUN /opt/build/bin/python -m compiling /src \
    && find . -name '*.so' -exec cp --parents '{}' /opt/prompt-actions/lib/python3.11/site-packages ';' \
    && cd / && /opt/prompt-actions/bin/python -c "from processor.compiled import engine; assert engine() == 'compiled'"

FROM python:3.11-slim
LABEL org.opencontainers.image.title="prompt-actions" org.opencontainers.image.licenses="Apache-2.0"
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin prompt-actions \
    && install --directory --owner prompt-actions --group prompt-actions /var/lib/prompt-actions
COPY --from=build /opt/prompt-actions /opt/prompt-actions
ENV PATH=/opt/prompt-actions/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PROMPT_ACTIONS_SERVER__HOST=0.0.0.0 \
    PROMPT_ACTIONS_STATE__FOLDER=/var/lib/prompt-actions/state
WORKDIR /app
USER prompt-actions
VOLUME /var/lib/prompt-actions
EXPOSE 9464 8080 8090
STOPSIGNAL SIGTERM
# Only `run` serves this port; services with other commands bring their own check or switch this one off.
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:9464/live', timeout=4)"]
ENTRYPOINT ["prompt-actions"]
CMD ["run"]
