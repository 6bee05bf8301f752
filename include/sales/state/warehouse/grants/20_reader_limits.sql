-- BI clients set max_execution_time themselves, so it is bounded and not forbidden.
ALTER ROLE zakaz_reader SETTINGS readonly = 2, max_execution_time = 60 MAX 120, max_memory_usage = 2000000000 MAX 4000000000
