#!/bin/sh
# The old command for the timers: runs what replaced it and prints that line.
set -eu
cd "$(dirname "$0")/../.."
verb=${1:-status}
source=${2:-}
case "$source" in vk) source=vk_ads ;; gmail_ingest) source=gmail ;; esac
case "$verb" in
    status) set -- make sales ;;
    logs) set -- make sales-logs "SOURCE=$source" ;;
    enable) set -- make sales-on "SOURCE=$source" ;;
    disable) set -- make sales-off "SOURCE=$source" ;;
    restart) set -- make sales-load "SOURCE=$source" ;;
    *)
        echo "manage_timers.sh status|logs|enable|disable|restart [qtickets|vk_ads|direct|gmail]" >&2
        exit 2
        ;;
esac
echo "+ $*"
exec "$@"
