-- Days between an account's first and last covered one that no load has covered.
SELECT
    source, account, toUInt64(length(missing)) AS times,
    arrayStringConcat(arrayMap(day -> toString(day), arraySlice(missing, 1, 3)), ', ') AS example
FROM (
    SELECT
        source, account, groupUniqArray(day) AS days, min(day) AS low,
        arrayFilter(one -> NOT has(days, one), arrayMap(n -> low + n, range(toUInt64(max(day) - low)))) AS missing
    FROM load_coverage FINAL
    WHERE stream IN ('orders', 'stats') AND day >= toDate(now('{timezone}')) - {gap_days:UInt32}
    GROUP BY source, account
)
WHERE times > 0
