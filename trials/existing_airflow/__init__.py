"""Into an Airflow that is already there, by the steps of docs/install/existing_airflow.md.

An empty environment with plain Airflow, in which another team has a DAG, a plugin and packages that are called like our
folders. The page's blocks are run as they stand, connections are made in the UI by a real Chromium, runs go against the
simulators, then everything is removed again: `python -m trials.existing_airflow`, some ten minutes.
"""
