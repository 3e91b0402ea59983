#!/bin/sh
# Databases and schema, before the server starts. Runs at every start: what is there is only brought up to date.
set -eu

tool() {
    database=$1
    shift
    temporal-sql-tool --plugin postgres12 --ep "$POSTGRES_HOST" -u "$POSTGRES_USER" -p 5432 --db "$database" "$@"
}

bring_up_to_date() {
    tool "$1" update-schema -d "/etc/temporal/schema/postgresql/v12/$2/versioned"
}

for pair in temporal:temporal temporal_visibility:visibility; do
    database=${pair%%:*}
    kind=${pair##*:}
    # No version to be read means a new database. `setup-schema` on an old one would forget its version.
    bring_up_to_date "$database" "$kind" || {
        tool "$database" create
        tool "$database" setup-schema -v 0.0
        bring_up_to_date "$database" "$kind"
    }
done

# The records' own database; its table is made by the worker.
tool dont_panic create || true
