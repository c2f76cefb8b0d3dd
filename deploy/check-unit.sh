#!/usr/bin/env bash
# Asks systemd whether it would take the units, that of the doors as an instance for each app, and whether their hardening is
# still there.
set -euo pipefail
cd "$(dirname "$0")/.."

work=$(mktemp --directory)
trap 'rm -rf "$work"' EXIT
cp deploy/sluice-nps-client.service "$work"
for app in apps/*/; do cp deploy/sluice@.service "$work/sluice@$(basename "$app").service"; done
for unit in "$work"/*.service; do
  systemd-analyze verify --man=no "$unit"
  # From 0 (locked away) to 100 (unconfined): a proxy needs the network, and little else.
  systemd-analyze security --offline=true --no-pager --threshold=20 "$unit" | tail -n 1
done
