# One image for every verb of `standin`. The base can be any Debian-like image with Python 3.11 or newer.
ARG BASE=python:3.11-slim-bookworm

FROM ${BASE} AS build
WORKDIR /src
COPY requirements.lock pyproject.toml hatch_build.py README.md ./
RUN python3 -m venv /opt/standin \
    && /opt/standin/bin/pip install --no-cache-dir --require-hashes -r requirements.lock
COPY mibs mibs
COPY wire wire
COPY emulators emulators
COPY gateway gateway
COPY rigs rigs
RUN /opt/standin/bin/pip install --no-cache-dir --no-deps --no-build-isolation .

FROM ${BASE}
RUN useradd --uid 10001 --home-dir /var/lib/standin --create-home standin
COPY --from=build /opt/standin /opt/standin
COPY rigs/samples /usr/share/standin/samples
ENV PATH=/opt/standin/bin:$PATH PYTHONUNBUFFERED=1
USER 10001
WORKDIR /var/lib/standin
VOLUME /var/lib/standin
EXPOSE 1161/udp 1162/udp 1623/udp 1080/tcp 2323/tcp 8080/tcp
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s \
    CMD ["python3", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8080/readyz', timeout=2)"]
ENTRYPOINT ["standin"]
CMD ["run", "/usr/share/standin/samples/a1080a-pair.yaml", "--ports", "high"]
