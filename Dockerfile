# The slim image: Airflow itself without a hundred providers, so that what runs here is what requirements-cluster.txt
# locks: the product, and the executors of several hosts. One image for every role.
FROM apache/airflow:slim-3.3.2-python3.11

# Only the locks first: code changes do not install everything again. The second is the client of ClickHouse and what the sources
# of sales need, for who sets them in .env.
COPY requirements-cluster.txt requirements-sales.txt /tmp/
RUN pip install --no-cache-dir --require-hashes -r /tmp/requirements-cluster.txt \
    && pip install --no-cache-dir --require-hashes -r /tmp/requirements-sales.txt

# `var` is where the volume of generated secrets and logs is mounted: it takes over this folder's owner. The group may write,
# as in the image below: where a platform chooses the user, its group is 0.
USER root
RUN install -d -o airflow -g 0 -m 0775 /opt/call-export /opt/call-export/var /opt/call-export/monitoring
USER airflow
WORKDIR /opt/call-export
COPY --chown=airflow:0 ops ops
COPY --chown=airflow:0 jobs jobs
COPY --chown=airflow:0 include include
COPY --chown=airflow:0 plugins plugins
COPY --chown=airflow:0 dags dags

ENV PYTHONPATH=/opt/call-export

# Without the image's dumb-init in front: the entry point becomes it, and process 1 keeps no setting of .env.
ENTRYPOINT ["python", "-m", "ops", "container", "--"]
CMD ["init"]
