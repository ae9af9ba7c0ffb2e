# The image of sevalla-deploy: a static binary on a busybox.
#
# Base images are pinned by version here. A release pins them by digest as well
# (see CONTRIBUTING.md), which only a machine with a registry at hand can do.

# Keep the compiler's version equal to rust-toolchain.toml; .ci/run compares.
# That file itself stays outside: it would make rustup fetch clippy and rustfmt.
# On Alpine the native target is musl, whose binaries are static; the image
# brings the C compiler that ring needs.
FROM rust:1.95.0-alpine3.23 AS build
WORKDIR /build
# Says aloud what musl does anyway, so that the build is static on a glibc base
# too. With --target the flag does not reach procedural macros, which cannot be
# linked statically.
ENV RUSTFLAGS="-C target-feature=+crt-static"

# The dependencies, in a layer that only a change of the manifests rebuilds. The
# workspace does not load without its members, of which the manifests are enough.
# The stand-ins' own artefacts are removed again: cargo compares times, and the
# real sources may well be older than the stand-ins.
COPY Cargo.toml Cargo.lock ./
COPY simulator/Cargo.toml simulator/
COPY diagnosis/Cargo.toml diagnosis/
COPY testkit/Cargo.toml testkit/
COPY demo/Cargo.toml demo/
RUN mkdir src simulator/src diagnosis/src testkit/src \
 && touch src/lib.rs simulator/src/lib.rs diagnosis/src/lib.rs testkit/src/lib.rs \
 && echo 'fn main() {}' >src/main.rs \
 && target="$(rustc --print host-tuple)" \
 && cargo build --release --locked --package sevalla-deploy --bin sevalla-deploy --target "$target" \
 && cargo clean --release --locked --package sevalla-deploy --package sevalla-diagnosis \
      --target "$target" \
 && rm -r src diagnosis/src

# The commit that `--version` names; read at compile time with `option_env!`.
# Not given, the variable is absent.
ARG SEVALLA_DEPLOY_COMMIT
COPY diagnosis/src diagnosis/src
COPY src src
COPY templates templates
COPY build.rs ./
RUN target="$(rustc --print host-tuple)" \
 && cargo build --release --locked --package sevalla-deploy --bin sevalla-deploy --target "$target" \
 && cp "target/$target/release/sevalla-deploy" /sevalla-deploy

# Why not scratch, when the binary needs nothing: the image is also where other
# CIs run their scripts. GitHub's runner on Kubernetes starts `tail` and then
# `sh`, `env` and the entry point; GitLab pipes its script into `sh` and requires
# `grep`; Jenkins starts `cat` and looks for `ps`. Busybox has all of them for
# one or two megabytes, without a package manager or a libc that could need
# updates. GitLab and Jenkins give the entry point their `sh` or `cat` as an
# argument: in the image the program hands over to it (src/exec.rs), so nobody
# has to override anything.
FROM busybox:1.37.0-musl
ARG SEVALLA_DEPLOY_COMMIT
LABEL org.opencontainers.image.title="sevalla-deploy" \
      org.opencontainers.image.description="Deploys to Sevalla from CI: starts a deployment, follows it, and fails if it fails. Not affiliated with Sevalla." \
      org.opencontainers.image.source="https://github.com/OWNER/sevalla-deploy" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.revision="${SEVALLA_DEPLOY_COMMIT}"
COPY --from=build /sevalla-deploy /usr/local/bin/sevalla-deploy
# Allows these programs, and no others, as a first argument.
ENV SEVALLA_DEPLOY_IN_IMAGE=1
# No USER: GitHub's output and summary files can only be written by root. No
# WORKDIR: the CI chooses it. Neither is relied on; any uid will do, with or
# without a home that can be written. Certificates are inside the binary.
#
# Exec form: the program is PID 1 and gets the CI's SIGINT and SIGTERM itself.
# CMD is emptied because the base's is a shell, which some builders would pass
# on as an argument.
ENTRYPOINT ["/usr/local/bin/sevalla-deploy"]
CMD []
