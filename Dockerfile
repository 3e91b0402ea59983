FROM python:3.11.14-slim-bookworm

# Locked by hash; whatever index the build is set up for.
WORKDIR /opt/dont-panic
COPY requirements.txt pyproject.toml ./
RUN python -m pip install --no-cache-dir --disable-pip-version-check --require-hashes -r requirements.txt

COPY connection.py durable.py settings.py supervision.py worker.py ./
COPY incident incident
COPY workflows workflows
COPY activities activities
COPY chat chat
COPY documents documents
COPY entrypoints entrypoints
COPY emulators emulators
RUN python -m pip install --no-cache-dir --disable-pip-version-check --no-deps --no-build-isolation . \
    && useradd --system --home-dir /var/lib/dont-panic --create-home dont-panic \
    && install -d -o dont-panic -m 700 /var/lib/dont-panic/keys

USER dont-panic
WORKDIR /var/lib/dont-panic
# SIGTERM reaches the program itself: no shell stands between.
CMD ["python", "-m", "worker", "--role", "all"]
