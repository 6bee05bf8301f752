#!/bin/sh
# The old loaders: `loader.sh qtickets [--dry-run] [--days N]` runs what replaced them and prints that line.
set -eu
cd "$(dirname "$0")/../.."
source=${1:?"which source: qtickets, vk_ads, direct or gmail"}
shift
days=""
dry=""
while [ $# -gt 0 ]; do
    case "$1" in
        --days) days="DAYS=$2"; shift ;;
        --dry-run) dry="DRY_RUN=true" ;;
        *)
            echo "loader.sh SOURCE [--dry-run] [--days N]" >&2
            exit 2
            ;;
    esac
    shift
done
echo "+ make sales-load SOURCE=$source $days $dry"
exec make --no-print-directory sales-load "SOURCE=$source" ${days:+"$days"} ${dry:+"$dry"}
