# The image: the program, the C library, time zones, certificates, and the few tools of its start. Nothing else.
#   docker build -t ghl-meta-sync .

FROM rust:1.95.0-slim-bookworm AS build
# libpq and SQLite are built from source; OpenSSL is for TLS to a PostgreSQL server.
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates libssl-dev pkg-config tzdata \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /source
COPY Cargo.toml Cargo.lock .env.example ./
COPY crates crates
COPY migrations migrations
COPY static static
COPY templates templates
RUN cargo build --release --locked --package ghl-meta-sync --features postgres-tls
COPY docker docker
COPY scripts/image-root scripts/image-root
# The same script assembles this root on a machine without Docker, and tries it there.
# Its executable bit may have got lost on the way here, over a network share or in an archive.
RUN bash scripts/image-root assemble target/release/ghl-meta-sync /image

FROM scratch
COPY --from=build /image /
ENV PATH=/bin \
    SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt \
    DATA_DIR=/app/data \
    LOG_DIR=/app/logs \
    WEB_BIND=0.0.0.0 \
    PUID=99 \
    PGID=100 \
    UMASK=022
WORKDIR /app
# There is no USER: the entry point needs root to give the volumes to PUID:PGID, then becomes that user for good.
VOLUME ["/app/data", "/app/logs"]
EXPOSE 9876
HEALTHCHECK --interval=30s --timeout=10s --start-period=30s --retries=3 CMD ["ghl-meta-sync", "healthcheck"]
ENTRYPOINT ["/app/entrypoint"]
CMD ["serve"]
