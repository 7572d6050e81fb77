# One static binary and nothing else. It holds no state: /data has the sealed data and both chains, /keys the root key.
# Keep the two on different media and back them up apart; losing /keys loses everything.
#
#   docker run -v chartseal-data:/data -v chartseal-keys:/keys -p 127.0.0.1:8080:8080 chartseal:VERSION
FROM golang:1.26-bookworm AS build
ARG VERSION=dev
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
# timetzdata: the image has no zone files, and dates without a zone need the configured one.
RUN CGO_ENABLED=0 go build -trimpath -tags timetzdata -ldflags "-s -w -X main.version=${VERSION}" -o /out/chartseal ./cmd/chartseal \
    && mkdir -p /out/data /out/keys /out/tmp && chmod 700 /out/data /out/keys && chmod 1777 /out/tmp

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /out/chartseal /chartseal
COPY --from=build --chown=65532:65532 /out/data /data
COPY --from=build --chown=65532:65532 /out/keys /keys
COPY --from=build /out/tmp /tmp
USER 65532:65532
VOLUME ["/data", "/keys"]
EXPOSE 8080
STOPSIGNAL SIGTERM
# The container's network is private, so plain HTTP is allowed as behind a proxy: publish the port on loopback only, put
# a proxy with TLS before it, or give --tls-cert and --tls-key instead.
ENV CHARTSEAL_DATA_DIR=/data CHARTSEAL_KEY_FILE=/keys/root.key CHARTSEAL_LISTEN=0.0.0.0:8080
ENTRYPOINT ["/chartseal"]
CMD ["serve", "--behind-proxy"]
# No HEALTHCHECK: the binary has no command for it and the image no shell. Orchestrators ask GET /readyz.
