#!/bin/sh
# Installs the Debian packages that are missing, as root or through sudo. Does nothing when all are there.
#
#   install_dependencies.sh build          what building needs
#   install_dependencies.sh build test     and what the tests need
#   install_dependencies.sh cross          what cross-building for aarch64 needs
set -eu

packages=
for set in "$@"; do
  case $set in
    build) packages="$packages g++ cmake ninja-build libprotozero-dev libfmt-dev libcli11-dev libtomlplusplus-dev
      nlohmann-json3-dev libopencv-core-dev libopencv-imgproc-dev libopencv-imgcodecs-dev libopencv-videoio-dev" ;;
    test) packages="$packages libgtest-dev python3 pkg-config libonnx-testdata" ;;
    cross) packages="$packages crossbuild-essential-arm64 qemu-user googletest" ;;
    *) echo "$0: there is no set '$set': build, test or cross" >&2; exit 2 ;;
  esac
done

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
  echo "This is no Debian system: install what these packages hold by your own means:" $packages >&2
  exit 0
fi

missing=
for package in $packages; do
  [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)" = installed ] || missing="$missing $package"
done
[ -z "$missing" ] && exit 0

as_root=
if [ "$(id -u)" != 0 ]; then
  if ! command -v sudo >/dev/null; then
    echo "Missing:$missing. Install them as root: apt-get install$missing" >&2
    exit 1
  fi
  as_root=sudo
fi
echo "Installing$missing" >&2
export DEBIAN_FRONTEND=noninteractive
$as_root apt-get update -qq
$as_root apt-get install -y -qq --no-install-recommends $missing
