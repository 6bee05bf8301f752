# The slim image: Airflow itself without a hundred providers, so that what runs here is what requirements.txt locks.
FROM apache/airflow:slim-3.3.2-python3.11

# Only the lock first: code changes do not install everything again.
COPY requirements.txt /tmp/requirements.txt
RUN pip install --no-cache-dir --require-hashes -r /tmp/requirements.txt

# `var` is where the volume of generated secrets and logs is mounted: it takes over this folder's owner.
USER root
RUN install -d -o airflow -g 0 /opt/call-export /opt/call-export/var
USER airflow
WORKDIR /opt/call-export
COPY --chown=airflow:0 ops ops
COPY --chown=airflow:0 jobs jobs
COPY --chown=airflow:0 include include
COPY --chown=airflow:0 plugins plugins
COPY --chown=airflow:0 dags dags

ENV PYTHONPATH=/opt/call-export

ENTRYPOINT ["/usr/bin/dumb-init", "--", "python", "-m", "ops", "container", "--"]
CMD ["init"]
