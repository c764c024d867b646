#!/usr/bin/env bash
# Finds or builds the programs of a real control plane: etcd, kube-apiserver, kube-controller-manager and kubectl.
# Prints on stdout the folders that hold them, one per line and first match first; everything else goes to stderr.
#
#   KUBEBUILDER_ASSETS   a folder with etcd, kube-apiserver and kubectl (what `setup-envtest` makes): used first
#   XDG_CACHE_HOME       where the built programs are kept, outside the checkout, so that they are built once
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
version=$(sed -n 's/^.*k8s\.io\/kubernetes \(v[0-9.]*\)$/\1/p' "$here/go.mod")
cache=${XDG_CACHE_HOME:-$HOME/.cache}/keyspaces-credential-operator/control-plane/$version

say() { printf '%s\n' "control plane: $*" >&2; }

# Which Go package is which program.
package_of() {
  case $1 in
    etcd) echo go.etcd.io/etcd/server/v3 ;;
    *) echo "k8s.io/kubernetes/cmd/$1" ;;
  esac
}

build() {
  local program=$1 minor temporary count=0 line
  minor=${version#v1.}
  minor=${minor%%.*}
  temporary=$cache/.$program.$$
  SECONDS=0
  say "building $program"
  # Without a version stamped in, the server reports one that its own clients cannot parse.
  (
    cd "$here"
    CGO_ENABLED=0 GOWORK=off go build -v -mod=readonly -buildvcs=false -trimpath -o "$temporary" -ldflags "-s -w \
      -X k8s.io/component-base/version.gitVersion=$version \
      -X k8s.io/component-base/version.gitMajor=1 \
      -X k8s.io/component-base/version.gitMinor=$minor" "$(package_of "$program")"
  ) 2>&1 | while IFS= read -r line; do
    # `go build -v` prints each package as it compiles it. That is too much to print, so only every 200th shows the progress.
    case $line in
      'go: downloading '*) ;;
      *' '* | *:*) printf '%s\n' "$line" ;;
      *)
        count=$((count + 1))
        if ((count % 200 == 0)); then say "  $program: $count packages compiled after $SECONDS s"; fi
        ;;
    esac
  done >&2
  # The rename makes it appear whole or not at all: an interrupted build leaves no half program for a later run.
  mv "$temporary" "$cache/$program"
  say "built $program in $SECONDS s"
}

wanted=(kube-apiserver kube-controller-manager etcd kubectl)
folders=()
if [[ -n ${KUBEBUILDER_ASSETS:-} ]]; then
  complete=yes
  for program in etcd kube-apiserver kubectl; do
    if [[ ! -x $KUBEBUILDER_ASSETS/$program ]]; then
      say "KUBEBUILDER_ASSETS=$KUBEBUILDER_ASSETS has no $program, so it is not used"
      complete=no
      break
    fi
  done
  if [[ $complete == yes ]]; then
    folders+=("$(cd "$KUBEBUILDER_ASSETS" && pwd)")
    # envtest's assets have no kube-controller-manager. Without it nothing is garbage-collected, and no deleted namespace goes
    # away.
    wanted=(kube-controller-manager)
    if [[ -x $KUBEBUILDER_ASSETS/kube-controller-manager ]]; then wanted=(); fi
  fi
fi

missing() {
  local program
  for program in ${wanted[@]+"${wanted[@]}"}; do
    if [[ ! -x $cache/$program ]]; then echo "$program"; fi
  done
}

if [[ -n $(missing) ]]; then
  if ! command -v go >/dev/null; then
    say "needs Go 1.26 or later to build $(missing | paste -sd' ' -), and there is no 'go' on the PATH." \
      "Install it (https://go.dev/dl), or set KUBEBUILDER_ASSETS to a folder made by setup-envtest."
    exit 1
  fi
  mkdir -p "$cache"
  # Two test runs that start at once must not build the same thing side by side.
  exec 9>"$cache/.lock"
  if command -v flock >/dev/null && ! flock -n 9; then
    say "another build is at work, waiting for it"
    flock 9
  fi
  if [[ -n $(missing) ]]; then
    say "compiling Kubernetes $version from source into $cache: about ten to fifteen minutes on two cores, once," \
      "because the tests run against the real thing and it comes as Go modules"
    trap 'rm -f "$cache"/.*."$$"' EXIT
    for program in $(missing); do build "$program"; done
  fi
fi

if ((${#wanted[@]})); then folders+=("$cache"); fi
printf '%s\n' "${folders[@]}"
