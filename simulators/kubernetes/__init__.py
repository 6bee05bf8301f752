"""A Kubernetes API that knows pods only: what Airflow's KubernetesExecutor asks of one."""
