#!/usr/bin/env bash
# Builds the images of apps (all of them unless some are named) and uses each: a user in its volume, curl through its
# listeners, for ss-node by way of ss-local, for relay by way of two peers, for https-proxy by its own client too, for nps-server
# by way of its client program. Needs root, buildah, busybox (static), curl and shadowsocks-libev. There is no image registry
# here, so BASE is made on the spot: this machine's Node and npm over busybox. That proves every step of the Containerfile, not
# its default base image.
set -euo pipefail
cd "$(dirname "$0")/.."

apps=("$@")
[[ $# -gt 0 ]] || apps=(remote-proxy ss-node relay https-proxy nps-server)
work=$(mktemp --directory)
export BUILDAH_ISOLATION=chroot
app='' driver='' origin='' server='' client='' peers=()

say() { echo "check-image: $*"; }
fail() {
  say "$*" >&2
  exit 1
}
store() { # store COMMAND …: buildah on a storage of its own
  local command=$1
  shift
  buildah --storage-driver "$driver" --root "$work/storage" --runroot "$work/run" "$command" "$@"
}
choose_driver() { # copies of everything only where the kernel has nothing better
  local container
  driver=overlay
  container=$(store from scratch 2>/dev/null) && store mount "$container" >/dev/null 2>&1 || driver=vfs
  store rm --all >/dev/null 2>&1 || true
}
descendants() {
  local child
  for child in $(pgrep -P "$1" || true); do
    echo "$child"
    descendants "$child"
  done
}
node_below() { # the program itself, below a `buildah run`
  local pid
  for pid in $(descendants "$1"); do
    if [[ $(cat "/proc/$pid/comm" 2>/dev/null) =~ ^(node|MainThread)$ ]]; then
      echo "$pid"
      return
    fi
  done
}
cleanup() {
  local pid
  for pid in "${peers[@]}"; do kill -KILL $(descendants "$pid") "$pid" 2>/dev/null || true; done
  for pid in ${server:+$(descendants "$server")} $server $client $origin; do kill -KILL "$pid" 2>/dev/null || true; done
  store rm --all >/dev/null 2>&1 || true
  rm -rf "$work"
}
trap cleanup EXIT
wait_for() { # wait_for PATTERN FILE
  for _ in $(seq 300); do
    if grep -q "$1" "$2"; then return; fi
    sleep 0.1
  done
  cat "$2" >&2
  fail "no '$1' within 30 s"
}

make_base() {
  local rootfs=$work/rootfs node npm library
  node=$(readlink -f node_modules/.bin/node)
  npm=$(dirname "$(dirname "$(readlink -f "$(command -v npm)")")")
  mkdir -p "$rootfs"/{bin,etc/ssl/certs,root,tmp,usr/bin,usr/local/{bin,etc,lib/node_modules}}
  cp "$(command -v busybox)" "$rootfs/bin/busybox"
  busybox --list | grep -vx busybox | while read -r applet; do ln -sf busybox "$rootfs/bin/$applet"; done
  ln -s /bin/env "$rootfs/usr/bin/env"
  cp "$node" "$rootfs/usr/local/bin/node"
  # Also the libraries that Nx's own binary wants: part of glibc, so any real base has them.
  for library in $(ldd "$node" node_modules/@nx/*/*.node | grep -o '/lib[^ ]*' | sort -u); do cp --parents --dereference "$library" "$rootfs"; done
  cp -r "$npm" "$rootfs/usr/local/lib/node_modules/npm"
  ln -s ../lib/node_modules/npm/bin/npm-cli.js "$rootfs/usr/local/bin/npm"
  ln -s ../lib/node_modules/npm/bin/npx-cli.js "$rootfs/usr/local/bin/npx"
  printf 'root:x:0:0::/root:/bin/sh\nnode:x:1000:1000::/tmp:/bin/sh\n' >"$rootfs/etc/passwd"
  printf 'root:x:0:\nnode:x:1000:\n' >"$rootfs/etc/group"
  # npm in the build has to find packages where npm outside does.
  echo "registry=$(npm config get registry 2>/dev/null)" >"$rootfs/usr/local/etc/npmrc"
  if [[ -f /etc/ssl/certs/ca-certificates.crt ]]; then
    cp /etc/ssl/certs/ca-certificates.crt "$rootfs/etc/ssl/certs/"
    echo 'cafile=/etc/ssl/certs/ca-certificates.crt' >>"$rootfs/usr/local/etc/npmrc"
  fi
  local container
  container=$(store from scratch)
  store add --quiet "$container" "$rootfs" / >/dev/null
  store config --env PATH=/usr/local/bin:/usr/bin:/bin "$container"
  store commit --quiet --rm "$container" sluice-check-base >/dev/null
  rm -rf "$rootfs"
}

build() {
  say "build $app"
  store build --quiet --layers --pull-never --build-arg BASE=localhost/sluice-check-base --build-arg "APP=$app" \
    --tag "sluice/$app" --file deploy/Containerfile . >"$work/build.log" 2>&1 || {
    cat "$work/build.log" >&2
    fail 'the build failed'
  }
  [[ $(inspect '{{.OCIv1.Config.User}}') == 1000:1000 ]] || fail 'the image runs as root'
  [[ $(inspect '{{.OCIv1.Config.Volumes}}') == *'/data:'* ]] || fail '/data is no volume'
  mapfile -t entry < <(inspect '{{range .OCIv1.Config.Entrypoint}}{{println .}}{{end}}' | sed '/^$/d')
  [[ ${entry[0]} == node ]] || fail 'the entry point is not in exec form'
  container=$(store from --pull-never "localhost/sluice/$app")
  data=$work/data-$app
  mkdir -m 0700 "$data"
  chown 1000:1000 "$data"
  run --print-config | grep -q '^ops: "0\.0\.0\.0:' || fail '--print-config shows no 0.0.0.0'
}
inspect() { store inspect --type image --format "$1" "localhost/sluice/$app"; }
in_image() { store run --volume "$data:/data" "$container" -- "$@"; }
run() { in_image "${entry[@]}" "$@"; }

serve() { # serve FLAG …
  run --ops 0.0.0.0:0 "$@" >"$work/server.log" 2>&1 &
  server=$!
  wait_for '"door":"ops"' "$work/server.log"
  wait_for '"msg":"ready"' "$work/server.log"
  curl --silent --show-error --fail --max-time 20 "http://127.0.0.1:$(port_of ops)/healthz" >/dev/null
}
port_of() { grep '"msg":"listening"' "$work/server.log" | grep "\"door\":\"$1\"" | grep -o '"port":[0-9]*' | cut -d: -f2; }
fetch() { # fetch CURL-FLAG …: the origin's body, as it is
  curl --silent --show-error --fail --max-time 20 --noproxy '' --output "$work/got" "$@" "$url" &&
    cmp "$work/body" "$work/got"
}
stop() { # stop NAME BYTES
  say 'stops on SIGTERM, with the usage in the volume'
  local code=0 down
  kill -TERM "$(node_below "$server")"
  wait "$server" || code=$?
  server=''
  [[ $code == 0 ]] || fail "it ended with $code, not 0"
  down=$(run user usage "$1" --json | grep -o '"down": *[0-9]*' | grep -o '[0-9]*')
  ((down >= $2)) || fail "usage shows $down bytes down, not $2"
}

check_remote-proxy() {
  local code=0
  say 'listens on all interfaces, and so refuses to start without a user'
  run --http 0.0.0.0:0 --socks 0.0.0.0:0 --ops 0.0.0.0:0 >"$work/refused.log" 2>&1 || code=$?
  [[ $code == 2 ]] || {
    cat "$work/refused.log" >&2
    fail "without a user it ends with $code, not 2"
  }
  say 'a user in the volume, and curl through it'
  echo "$secret" | run user add check --password-stdin >/dev/null
  serve --http 0.0.0.0:0 --socks 0.0.0.0:0 --allow 127.0.0.0/8
  fetch --proxy "socks5h://check:$secret@127.0.0.1:$(port_of socks)"
  fetch --proxytunnel --proxy "http://check:$secret@127.0.0.1:$(port_of http)"
  if fetch --proxy "socks5h://check:wrong@127.0.0.1:$(port_of socks)" 2>/dev/null; then fail 'a wrong password got in'; fi
  stop check 2000000
}

check_ss-node() {
  say 'users in the volume and in its userconfigs.json, and curl through ss-local'
  echo "$secret" | run user add check --ss-method aes-256-gcm --ss-secret-stdin >/dev/null
  echo '{"users":[{"user_id":1,"method":"chacha20-ietf-poly1305","password":"'"$secret"'"}]}' |
    in_image node --eval 'const fs = require("node:fs"); fs.writeFileSync("/data/userconfigs.json", fs.readFileSync(0))'
  # Named, since in a chroot the working folder is the one below the mount.
  serve --port 0 --users /data/userconfigs.json --allow 127.0.0.0/8
  fetch_through_ss_local aes-256-gcm
  fetch_through_ss_local chacha20-ietf-poly1305
  stop check 1000000
}
check_relay() {
  local code=0 id url_of_relay id_of_peer port
  say 'listens on all interfaces, and so refuses to start without a user'
  run --listen any://0.0.0.0:0 --ops 0.0.0.0:0 >"$work/refused.log" 2>&1 || code=$?
  [[ $code == 2 ]] || {
    cat "$work/refused.log" >&2
    fail "without a user it ends with $code, not 2"
  }
  say 'a user in the volume, and curl through two peers, both from the image'
  echo "$secret" | run user add check --token-stdin >/dev/null
  serve --listen any://0.0.0.0:0 --preset private
  id=$(curl --silent --show-error --fail --max-time 20 "http://127.0.0.1:$(port_of ops)/status" |
    grep -o '"id": *"[^"]*"' | cut -d'"' -f4)
  url_of_relay=tls://127.0.0.1:$(port_of any)/p2p/$id
  id_of_peer=$(run peer id --data /data/peer-a)
  peer a listen --relay "$url_of_relay" --forward "127.0.0.1:$(sed 's/port //' "$work/origin.log")"
  peer b dial "$id_of_peer" --relay "$url_of_relay" --listen 127.0.0.1:0
  port=$(grep '"door":"local"' "$work/peer-b.log" | grep -o '"port":[0-9]*' | cut -d: -f2)
  url=http://127.0.0.1:$port/ fetch || {
    cat "$work"/peer-?.log "$work/server.log" >&2
    fail 'nothing comes through a circuit'
  }
  for client in "${peers[@]}"; do
    kill -TERM "$(node_below "$client")"
    wait "$client" || fail 'a peer does not stop on SIGTERM'
  done
  peers=() client=''
  stop check 1000000
}
check_https-proxy() {
  local code=0
  say 'listens on all interfaces, and so refuses to start without a user'
  run --listen 0.0.0.0:0 --ops 0.0.0.0:0 >"$work/refused.log" 2>&1 || code=$?
  [[ $code == 2 ]] || {
    cat "$work/refused.log" >&2
    fail "without a user it ends with $code, not 2"
  }
  say 'a user in the volume, and curl by all of its ways in'
  echo "$secret" | run user add check --password-stdin >/dev/null
  serve --listen 0.0.0.0:0 --allow 127.0.0.0/8
  fetch --proxy "http://check:$secret@127.0.0.1:$(port_of proxy)"
  fetch --proxytunnel --proxy "http://check:$secret@127.0.0.1:$(port_of proxy)"
  if fetch --proxy "http://check:wrong@127.0.0.1:$(port_of proxy)" 2>/dev/null; then fail 'a wrong password got in'; fi
  say 'its own client, from the image'
  echo "$secret" | run get "$url" GET 127.0.0.1 "$(port_of proxy)" --user check --password-stdin >"$work/got" &&
    cmp "$work/body" "$work/got" || fail 'the client got something else'
  stop check 3000000
}
check_nps-server() {
  local client_of_tunnel enrolment target at tries
  target=127.0.0.1:$(sed 's/port //' "$work/origin.log")
  say 'a user and a client of theirs in the volume, and its program, from the image'
  echo "$secret" | run user add check --password-stdin >/dev/null
  serve --bridge 0.0.0.0:0 --http 0.0.0.0:0 --https 0.0.0.0:0
  enrolment=$(run client add --user check --json | grep -o 'sluice-nps://[^"]*')
  echo "$enrolment" | run client run --enroll-stdin >"$work/peer-client.log" 2>&1 &
  client_of_tunnel=$!
  peers+=("$client_of_tunnel")
  wait_for '"msg":"ready"' "$work/peer-client.log"
  say 'curl by a tunnel and by a host'
  run tunnel add --client 1 --mode tcp --listen 127.0.0.1:0 --target "$target" >/dev/null
  wait_for '"door":"tunnel"' "$work/server.log"
  run host add --client 1 --host check.example --target "$target" >/dev/null
  at=127.0.0.1:$(port_of tunnel)
  url=http://$at/ fetch || fail 'the tunnel leads elsewhere'
  at=127.0.0.1:$(port_of http)
  # The server follows its store within a second.
  for tries in $(seq 50 -1 0); do
    if url=http://$at/ fetch --header 'Host: check.example' 2>/dev/null; then break; fi
    [[ $tries != 0 ]] || fail 'the host leads elsewhere'
    sleep 0.1
  done
  if url=http://$at/ fetch 2>/dev/null; then fail 'a host that nobody has is answered'; fi
  kill -TERM "$(node_below "$client_of_tunnel")"
  wait "$client_of_tunnel" || fail 'the client does not stop on SIGTERM'
  peers=()
  stop check 2000000
}
peer() { # peer NAME COMMAND FLAG …: a peer of the user that runs
  local name=$1
  shift
  echo "$secret" | run peer "$@" --token-stdin --data "/data/peer-$name" >"$work/peer-$name.log" 2>&1 &
  peers+=("$!")
  wait_for '"msg":"ready"' "$work/peer-$name.log"
}
fetch_through_ss_local() { # fetch_through_ss_local METHOD
  local port
  port=$(free_port)
  : >"$work/client.log"
  ss-local -s 127.0.0.1 -p "$(port_of ss)" -l "$port" -m "$1" -k "$secret" >"$work/client.log" 2>&1 &
  client=$!
  wait_for 'listening at' "$work/client.log"
  fetch --proxy "socks5h://127.0.0.1:$port" || {
    cat "$work/client.log" "$work/server.log" >&2
    fail "nothing comes through with $1"
  }
  kill -TERM "$client"
  wait "$client" || true
  client=''
}
free_port() {
  node_modules/.bin/node --eval '
    const server = require("node:net").createServer().listen(0, "127.0.0.1", () => {
      console.log(server.address().port)
      server.close()
    })
  '
}

choose_driver
say "base, on $driver"
make_base
secret=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
head -c 1000000 /dev/urandom >"$work/body"
node_modules/.bin/node --eval '
  const body = require("node:fs").readFileSync(process.argv[1])
  const server = require("node:http").createServer((_request, answer) => answer.end(body))
  server.listen(0, "127.0.0.1", () => console.log("port", server.address().port))
' "$work/body" >"$work/origin.log" &
origin=$!
wait_for '^port' "$work/origin.log"
url=http://127.0.0.1:$(sed 's/port //' "$work/origin.log")/
for app in "${apps[@]}"; do
  build
  "check_$app"
  say "$app: ok"
done
