"""`make chaos`: a run under a real Airflow whose tasks, scheduler and PostgreSQL are killed at random."""
