# Three targets: `emulators` (devices and the lab interface), `gateway` (for real devices), and `ridethrough`, the last,
# which runs both. The base can be any Debian-like image with Python 3.11 or newer; this one is an index of all
# architectures, of 2026-10-09. CONTRIBUTING.md says how it is renewed.
ARG BASE=python:3.13-slim-trixie@sha256:70729b46c69b4f1e97c4822c1af3df53a1476cf5ddc6c087c0c10bc3a5678c2f

FROM ${BASE} AS build
WORKDIR /src
COPY requirements-build.lock requirements.lock ./
RUN command -v cc >/dev/null || { apt-get update -qq && apt-get install -y -qq --no-install-recommends gcc libc6-dev; } \
    || echo "no compiler: the package will be interpreted"
RUN python3 -m venv /build && /build/bin/pip install -q --no-cache-dir --require-hashes -r requirements-build.lock -r requirements.lock
COPY pyproject.toml hatch_build.py README.md CHANGELOG.md LICENSE ./
COPY ridethrough ridethrough
COPY mibs mibs
COPY wire wire
COPY emulators emulators
COPY gateway gateway
COPY rigs rigs
RUN PYTHON=/build/bin/python rigs/deploy/install /out

# Files as in a Debian package; a user of its own; nothing to write but /var/lib/ridethrough.
FROM ${BASE} AS base
ARG PACKAGES=""
RUN if [ -n "$PACKAGES" ]; then apt-get update -qq && apt-get install -y -qq --no-install-recommends $PACKAGES \
    && rm -rf /var/lib/apt/lists/*; fi
RUN useradd --uid 10001 --home-dir /var/lib/ridethrough --create-home ridethrough
COPY --from=build /out /
ENV PYTHONUNBUFFERED=1
USER 10001
WORKDIR /var/lib/ridethrough
VOLUME /var/lib/ridethrough
ENTRYPOINT ["/usr/bin/ridethrough"]

FROM base AS emulators
EXPOSE 1161/udp 1623/udp 1080/tcp 2323/tcp 8081/tcp
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s \
    CMD ["python3", "-c", "import socket; socket.create_connection(('127.0.0.1', 8081), 2)"]
CMD ["emulators", "/etc/ridethrough/rig.yaml", "--ports", "high", "--http", "127.0.0.1:8081", "--data", "/var/lib/ridethrough"]

FROM base AS gateway
USER 0
RUN sed -i 's/port: 162}/port: 1162}/' /etc/ridethrough/site.yaml   # 162 needs a right that not every engine gives
USER 10001
EXPOSE 1162/udp 8080/tcp
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s \
    CMD ["python3", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8080/readyz', timeout=2)"]
CMD ["gateway", "/etc/ridethrough/site.yaml", "--data", "/var/lib/ridethrough"]

FROM base AS ridethrough
EXPOSE 1161/udp 1162/udp 1623/udp 1080/tcp 2323/tcp 8080/tcp
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s \
    CMD ["python3", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8080/readyz', timeout=2)"]
CMD ["run", "/etc/ridethrough/rig.yaml", "--ports", "high", "--data", "/var/lib/ridethrough"]
