#!/bin/sh
# The whole journey on the shapes detector: quantize it in two ways, measure all three, draw what the 8-bit one finds.
#
#   demo.sh OCTET OUT     the executable, and the folder for models and pictures
set -eu
octet=$1
out=$2
shapes=$(dirname "$0")/../examples/shapes
mkdir -p "$out"

step() { printf '\n== %s\n' "$*"; }

# A pipe into tail would hide a failure, and an older model would then be measured.
quantize() {
  name=$1
  shift
  rm -f "$out/$name.onnx"
  "$octet" quantize "$out/float.onnx" -o "$out/$name.onnx" --recipe "$shapes/recipe.toml" "$@" > "$out/$name.txt"
  sed -n '/ quantization, /,$p' "$out/$name.txt"
}

cp "$shapes/shapes.onnx" "$out/float.onnx"
step "octet quantize: static, ranges from 32 pictures"
quantize static --data "$shapes/frames/calibrate"
step "octet quantize: dynamic, no pictures needed"
quantize dynamic --method dynamic

step "octet bench: float, dynamic and static side by side, scored on 64 pictures"
"$octet" bench "$out/float.onnx" "$out/dynamic.onnx" "$out/static.onnx" --data "$shapes/frames/score" \
  --labels "$shapes/labels/instances.json" --recipe "$shapes/recipe.toml" --seconds 1

step "octet compare: float and static, what the score loses"
"$octet" compare "$out/float.onnx" "$out/static.onnx" --data "$shapes/frames/score" --labels "$shapes/labels/instances.json" \
  --recipe "$shapes/recipe.toml"

step "octet run: annotated pictures"
rm -rf "$out/pictures"
"$octet" run "$out/static.onnx" --input "$shapes/frames/score[:16]" -o "$out/pictures" > "$out/pictures.txt"
echo "$(ls "$out/pictures" | wc -l) pictures in $out/pictures, what was found in $out/pictures.txt"
