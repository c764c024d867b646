#!/usr/bin/env bash
# Runs a real control plane on 127.0.0.1: etcd, kube-apiserver and kube-controller-manager.
#
#   start.sh DIR [DEFINITIONS]
#
#   DIR           new or empty; the script deletes it when the control plane ends
#   DEFINITIONS   a file or folder of CustomResourceDefinitions to install before the controllers start. The garbage
#                 collector looks for new kinds only twice a minute. If a kind is installed later, what its first
#                 resources own can outlive them by 40 seconds.
#
# Prints `ready` on stdout when the API answers and the `default` service account exists. By then DIR holds
#   kubeconfig        of an administrator
#   server, ca.crt    the URL of the API server and its certificate
#   kubectl           the program, of the server's version
#   audit.jsonl       every write of the operator's service account, one JSON object a line
#   *.log             the logs of the components
#
# It ends when its stdin closes, or on SIGTERM, SIGINT or SIGHUP. However the parent ends, the kernel closes its end of the
# pipe. So even a test that is killed with -9 leaves nothing behind.
# shellcheck disable=SC2329 # some functions are called by a name that is put together, or by a trap
set -euo pipefail

# As short as the slowest machine allows. A component that takes longer has failed.
readonly START_DEADLINE=180
readonly PORT_ATTEMPTS=20

say() { printf '%s\n' "control plane: $*" >&2; }
die() {
  say "$*"
  exit 1
}

[[ $# == 1 || $# == 2 ]] || die "usage: start.sh DIR [DEFINITIONS]"
definitions=${2:-}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
folders=$("$here/build.sh" </dev/null)

# The folder holds tokens and keys.
umask 077
mkdir -p "$1"
dir=$(cd "$1" && pwd)
[[ -z $(ls -A "$dir") ]] || die "$dir is not empty"

# ---- ends ----

finish() {
  local status=$?
  trap '' TERM INT HUP
  # All messages are written. From here on the shell would only report that its children were killed.
  exec 2>/dev/null
  # DIR is deleted, so there is nothing to shut down gracefully. `jobs` lists only running children of this shell, so none of
  # these pids belongs to another process by now.
  local children
  children=$(jobs -pr)
  # shellcheck disable=SC2086 # one pid per word
  if [[ -n $children ]]; then kill -KILL $children || true; fi
  wait || true
  rm -rf "$dir"
  exit "$status"
}
trap finish EXIT
trap 'exit 0' TERM INT HUP

# A background command gets /dev/null for stdin unless it is given another.
exec 3<&0
cat <&3 >/dev/null &
parent=$!

# ---- parts ----

program() {
  local folder
  while IFS= read -r folder; do
    if [[ -x $folder/$1 ]]; then
      printf '%s\n' "$folder/$1"
      return
    fi
  done <<<"$folders"
  die "no $1 in: $folders"
}

# No proxy, trust store or credential of the caller's shell reaches the control plane.
clean() { exec env -i PATH="$PATH" HOME="$dir" TMPDIR="$dir" "$@"; }

# Runs a component in the background; its pid is in `started`.
launch() {
  local name=$1
  shift
  (clean "$(program "$name")" "$@") </dev/null 3<&- >"$dir/$name.log" 2>&1 &
  started=$!
}

alive() { kill -0 "$1" 2>/dev/null; }

fail() {
  say "$1 has failed or does not become ready; its last words:"
  tail -n 20 "$dir/$1.log" >&2
  exit 1
}

# Ends the script when the start can no longer succeed, or when nobody waits for it.
check_start() {
  alive "$parent" || exit 0
  if ((SECONDS > START_DEADLINE)); then fail "$1"; fi
  sleep 0.1
}

# Below the ports that the kernel gives to outgoing connections, so only another listener can already have it.
random_port() { echo $((10000 + (RANDOM * 32768 + RANDOM) % 22000)); }

# Runs a component on a port of its own, until it is ready: `$1` starts it on $port, `$1_ready` says whether it is ready. A
# check in advance whether the port is free would race with others who do the same. An answer on the port is no proof that the
# component is ours. Only the bind decides: a component that cannot bind ends.
launch_on_port() {
  local name=$1 start=${1//-/_} attempt
  for ((attempt = 0; attempt < PORT_ATTEMPTS; attempt++)); do
    port=$(random_port)
    "$start"
    while alive "$started"; do
      if "${start}_ready"; then return; fi
      check_start "$name"
    done
    grep -q 'address already in use' "$dir/$name.log" || fail "$name"
  done
  fail "$name"
}

etcd() {
  # Nothing uses the peer port, so the kernel may choose it.
  launch etcd --data-dir "$dir/etcd" --unsafe-no-fsync \
    --listen-client-urls "http://127.0.0.1:$port" --advertise-client-urls "http://127.0.0.1:$port" \
    --listen-peer-urls http://127.0.0.1:0
}

etcd_ready() { grep -qs 'ready to serve client requests' "$dir/etcd.log"; }

kube_apiserver() {
  server=https://127.0.0.1:$port
  write_kubeconfig
  write_audit_policy
  # The server makes its own certificate before it reads the key of service account tokens, so one key can serve as both.
  launch kube-apiserver --etcd-servers "$etcd_url" \
    --bind-address 127.0.0.1 --advertise-address 127.0.0.1 --secure-port "$port" --endpoint-reconciler-type none \
    --cert-dir "$dir/certs" --token-auth-file "$dir/tokens.csv" --authorization-mode RBAC \
    --service-account-issuer https://kubernetes.default.svc \
    --service-account-key-file "$dir/certs/apiserver.key" \
    --service-account-signing-key-file "$dir/certs/apiserver.key" \
    --service-cluster-ip-range 10.96.0.0/16 \
    --audit-policy-file "$dir/audit-policy.yaml" --audit-log-path "$dir/audit.jsonl"
}

# Tests count what the operator writes. Only the record of the server itself cannot miss a request.
write_audit_policy() {
  cat >"$dir/audit-policy.yaml" <<EOF
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
  - level: Metadata
    userGroups: ["system:serviceaccounts:keyspaces-credential-operator"]
    verbs: [create, update, patch, delete, deletecollection]
  - level: None
EOF
}

kube_apiserver_ready() {
  # The cheap check comes first. Only our server can pass the expensive one, which needs our certificate and our token.
  (exec 4<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || return 1
  if [[ ! -s $dir/ca.crt ]]; then cp "$dir/certs/apiserver.crt" "$dir/ca.crt" 2>/dev/null || return 1; fi
  kubectl get --raw /readyz
}

kube_controller_manager() {
  launch kube-controller-manager --kubeconfig "$dir/kubeconfig" --leader-elect=false \
    --secure-port 0 --use-service-account-credentials --flex-volume-plugin-dir "$dir/volume-plugins" \
    --service-account-private-key-file "$dir/certs/apiserver.key" --root-ca-file "$dir/ca.crt"
}

write_kubeconfig() {
  cat >"$dir/kubeconfig" <<EOF
apiVersion: v1
kind: Config
clusters:
  - name: test
    cluster:
      server: $server
      certificate-authority: $dir/ca.crt
users:
  - name: admin
    user:
      token: $token
contexts:
  - name: test
    context:
      cluster: test
      user: admin
current-context: test
EOF
}

kubectl() {
  (clean "$dir/kubectl" --kubeconfig "$dir/kubeconfig" --request-timeout 5s "$@") </dev/null >"$dir/kubectl.log" 2>&1
}

# ---- start ----

for name in etcd kube-apiserver kube-controller-manager kubectl; do program "$name" >/dev/null; done
SECONDS=0
token=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
printf '%s,admin,1,"system:masters"\n' "$token" >"$dir/tokens.csv"
ln -s "$(program kubectl)" "$dir/kubectl"

launch_on_port etcd
etcd=$started
etcd_url=http://127.0.0.1:$port

launch_on_port kube-apiserver
apiserver=$started
printf '%s\n' "$server" >"$dir/server"

if [[ -n $definitions ]]; then
  kubectl apply --server-side -f "$definitions" || fail kubectl
  until kubectl wait --for=condition=Established -f "$definitions"; do check_start kubectl; done
fi

# kube-controller-manager ends when the API server does not answer within seconds, so it starts last.
kube_controller_manager
controller_manager=$started
until kubectl get serviceaccount default --namespace default; do
  alive "$controller_manager" || fail kube-controller-manager
  check_start kube-controller-manager
done
echo ready

# ---- run ----

# Named one by one: a component that has ended already counts too.
wait -n "$parent" "$etcd" "$apiserver" "$controller_manager" || true
alive "$parent" || exit 0
alive "$etcd" || fail etcd
alive "$apiserver" || fail kube-apiserver
fail kube-controller-manager
