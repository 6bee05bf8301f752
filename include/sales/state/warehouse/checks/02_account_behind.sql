-- An account that is days behind the newest one of its source: the source's freshness is that of the newest.
SELECT
    source, one.1 AS account, toUInt64(newest - one.2) AS times, toString(one.2) AS example
FROM (
    SELECT source, groupArray((account, latest)) AS accounts, max(latest) AS newest
    FROM (
        SELECT source, account, max(day) AS latest
        FROM load_coverage FINAL
        WHERE stream IN ('orders', 'stats') AND day >= toDate(now('{timezone}')) - {recent_days:UInt32}
        GROUP BY source, account
    )
    GROUP BY source
)
ARRAY JOIN accounts AS one
WHERE times > {account_days:UInt32}
