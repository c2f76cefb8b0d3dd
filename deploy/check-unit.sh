#!/usr/bin/env bash
# Asks systemd whether it would take the unit, as an instance for each app, and whether its hardening is still there.
set -euo pipefail
cd "$(dirname "$0")/.."

work=$(mktemp --directory)
trap 'rm -rf "$work"' EXIT
for app in apps/*/; do
  unit=$work/sluice@$(basename "$app").service
  cp deploy/sluice@.service "$unit"
  systemd-analyze verify --man=no "$unit"
  # From 0 (locked away) to 100 (unconfined): a proxy needs the network, and little else.
  systemd-analyze security --offline=true --no-pager --threshold=20 "$unit" | tail -n 1
done
