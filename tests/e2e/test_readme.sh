#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Every command in a ```sh block of the README works, in the order in which they stand; trainings are shortened.
# tools/test is what runs this.
set -euo pipefail
. "$(dirname "$0")/common.sh"
ln -s "$(dirname "$OIKOS")" build
ln -s "$SOURCE/configs" "$SOURCE/tools" .
mkdir data
omniglot=$SOURCE/../shared/data/omniglot
parkinsons=$SOURCE/../shared/data/parkinsons/parkinsons_updrs.data
[ -e "$parkinsons" ] && ln -s "$parkinsons" .
movielens=$SOURCE/../shared/data/ml-100k
[ -d "$movielens" ] && ln -s "$movielens" ml-100k.zip # a folder does as well
[ -d "$omniglot" ] && ln -s "$omniglot"/images_{background,evaluation}.zip .

steps=0
while read -r line; do
  case $line in
    tools/test) continue ;;
    module\ * | tools/build* | vi\ * | squeue* | tail\ * | tools/submit*) continue ;; # a cluster's: cluster.slurm
    tools/demo)
      [ "$(dirname "$OIKOS")" = "$SOURCE/build" ] || { echo "skipped, another build folder: $line"; continue; }
      OIKOS_DEMO_STEPS=100 "$SOURCE/tools/demo" >demo.log </dev/null || { cat demo.log; exit 1; }
      run=$(sed -n 's/^the run is in \(.*\): config.*/\1/p' demo.log)
      rm -r "${SOURCE:?}/${run:?}"
      continue ;;
    tools/report*)
      python3=/usr/bin/python3
      $python3 -c 'import matplotlib' 2>/dev/null || { echo "skipped, no matplotlib: $line"; continue; } ;;
    *data/own.h5)
      /usr/bin/python3 -c 'import h5py' 2>/dev/null || { echo "skipped, no h5py: $line"; continue; } ;;
    *import\ idx*) [ -d /usr/share/datasets/fashion-mnist ] || { echo "skipped, dataset-fashion-mnist is not installed: $line"; continue; } ;;
    *import\ omniglot*) [ -e images_background.zip ] || { echo "skipped, no Omniglot: $line"; continue; } ;;
    *import\ movielens*) [ -e ml-100k.zip ] || { echo "skipped, no MovieLens: $line"; continue; } ;;
    *import\ csv*) [ -e parkinsons_updrs.data ] || { echo "skipped, no Parkinson's data: $line"; continue; } ;;
    tools/bench/compare*)
      [ -x /usr/bin/python3 ] || { echo "skipped, no python3: $line"; continue; }
      [ -z "${OIKOS_SANITIZED:-}" ] || { echo "skipped, too slow with sanitizers: $line"; continue; } ;;
    *configs/recommender_*.yaml) [ -e data/ratings.h5 ] || continue ;;
    *runs/recommender_*) [ -e data/ratings.h5 ] || continue ;;
    *configs/parkinsons.yaml) [ -e data/parkinsons.h5 ] || continue ;;
    *configs/fashion.yaml) [ -e data/fashion.h5 ] || continue ;;
    *configs/omniglot*) [ -e data/omniglot.h5 ] || continue ;;
  esac
  case $line in
    *--dry-run*) ;;
    *\ train\ *) # a few steps, growing so that --resume has something to do
      steps=$((steps + 5))
      line="$line --set steps=$steps --set eval.episodes=10 --set log.every=1" ;;
    *\ distill\ *) line="$line --steps 5 --set eval.episodes=10" ;;
    *\ eval\ *) line="$line --episodes 10" ;;
  esac
  line=${line//mpirun -n /"$SOURCE/tools/ranks" } # more ranks than cores, maybe, and as root, maybe
  echo "+ $line"
  bash -c "$line" >log 2>&1 </dev/null || { cat log; echo "failed: $line"; exit 1; }
done < <(awk '/^```sh$/ {inside = 1; next} /^```$/ {inside = 0} inside' "$SOURCE/README.md")
