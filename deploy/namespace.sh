#!/bin/sh
# The namespace and its search attributes, once the server is healthy. Runs at every start.
set -eu

until temporal operator cluster health >/dev/null 2>&1; do sleep 1; done

temporal operator namespace describe -n "$TEMPORAL_NAMESPACE" >/dev/null 2>&1 ||
    temporal operator namespace create --retention 90d -n "$TEMPORAL_NAMESPACE"

# A new namespace takes the server's parts a few seconds to see.
until temporal operator search-attribute list -n "$TEMPORAL_NAMESPACE" >/dev/null 2>&1; do sleep 1; done

for name in DpSeverity DpStatus DpCommander DpService DpRoom DpKind; do
    temporal operator search-attribute list -n "$TEMPORAL_NAMESPACE" | grep -qw "$name" ||
        temporal operator search-attribute create -n "$TEMPORAL_NAMESPACE" --name "$name" --type Keyword
done
