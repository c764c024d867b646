# The image is one static binary and the CA roots: nothing to patch but the operator itself.

FROM rust:1.95.0-bookworm AS toolchain
# rust-toolchain.toml asks for components that only development needs; this keeps rustup from fetching them.
ENV RUSTUP_TOOLCHAIN=1.95.0
WORKDIR /build

# The workspace with every source file emptied. It has the same content until a manifest changes, so the next stage,
# which copies it, stays cached when only the code changes.
FROM toolchain AS manifests
COPY . .
RUN find . -type f ! -name Cargo.toml ! -name Cargo.lock ! -name lib.rs ! -name main.rs ! -path './deploy/image-root.sh' -delete \
 && find . -type d -empty -delete \
 && find . -name lib.rs -exec sh -c ': > "$1"' _ {} \; \
 && find . -name main.rs -exec sh -c 'echo "fn main() {}" > "$1"' _ {} \;

FROM toolchain AS dependencies
COPY --from=manifests /build .
RUN deploy/image-root.sh /tmp/without-code

FROM dependencies AS build
COPY . .
# Cargo goes by modification times. The sources may be older than the empty ones that were just built, so this touches them.
RUN find src -name '*.rs' -exec touch {} + \
 && deploy/image-root.sh /image

FROM scratch
COPY --from=build /image /
# A numeric user needs no account file, and only with a number can Kubernetes verify that the user is not root.
USER 65532:65532
ENTRYPOINT ["/keyspaces-credential-operator"]
