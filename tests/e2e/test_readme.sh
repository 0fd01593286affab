#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The pages are true. README.md is short; every link of a page leads somewhere, and every file, test, function and key that
# a page names exists. Every command in a ```sh block works, page after page, in the order in which they stand; trainings
# are shortened. tools/test is what runs this.
# shellcheck disable=SC2016
set -euo pipefail
. "$(dirname "$0")/common.sh"

# Pages whose commands are run, in this order: later ones use the runs and data of those before.
pages=(README.md src/cli/README.md configs/{README,writing,homes,stationary,tables,recommender,learners,untrusted,distillation,negative}.md
       jobs/README.md tools/README.md src/README.md include/oikos/README.md tests/README.md CHANGELOG.md findings/README.md)
others=(tools/packaging/README.md) # commands of other people's machines: e2e.packaging
mapfile -t found < <(cd "$SOURCE" && find . -name '*.md' -not -path './build*' -not -path './runs/*' -not -path './.git/*' | sed 's,^\./,,' | sort)
for page in "${found[@]}"; do
  [[ " ${pages[*]} ${others[*]} " == *" $page "* ]] || fail "$page is a page that tests/e2e/test_readme.sh does not know: give it a place in its list"
done
lines=$(wc -l <"$SOURCE/README.md")
((lines <= 150)) || fail "README.md has $lines lines; a front door has at most 150: what is longer has a page of its own"

# named PAGE REGEX: what a page names, each once.
named() { grep -oP -- "$2" "$SOURCE/$1" | sort -u || true; }
# text PAGE: without its code blocks.
text() { awk '/^ *```/ {inside = !inside; next} !inside' "$SOURCE/$1"; }
# anchors PAGE: of its headings, as they are linked to.
anchors() { text "$1" | sed -n 's/^#\{1,6\} //p' | tr '[:upper:]' '[:lower:]' | sed 's/[^[:alnum:] _-]//g; s/ /-/g'; }

check_link() { # PAGE LINK
  local to=${2%%#*} path
  path=$1
  [[ -z $to ]] || path=$(realpath -m --relative-to="$SOURCE" "$SOURCE/$(dirname "$1")/$to")
  [[ -e $SOURCE/$path ]] || { fail "$1: the link $2 leads to $path, which is not there" && return; }
  [[ $2 != *'#'* ]] || anchors "$path" | grep -qxF -- "${2#*#}" || fail "$1: the link $2: $path has no such heading"
}

check_exists() { # PAGE NAME PATTERN
  compgen -G "$SOURCE/$3" >/dev/null || fail "$1: names $2, but there is no $3"
}

for page in "${pages[@]}" "${others[@]}"; do
  [[ -e $SOURCE/$page ]] || { fail "there is no $page" && continue; }
  while read -r link; do
    [[ $link == http*://* ]] || check_link "$page" "$link"
  done < <(text "$page" | grep -oP '\]\(\K[^)\s]+' | sort -u)
  while read -r path; do
    check_exists "$page" "$path" "$path"
  done < <(named "$page" '(?<![\w./-])(src|tools|configs|tests|jobs|include|findings|\.ci)/[\w./*-]*[\w*]')
  while IFS=. read -r kind name; do
    case $kind in
    unit | mpi) check_exists "$page" "$kind.$name" "tests/$kind/test_$name.c" ;;
    e2e | cluster) check_exists "$page" "$kind.$name" "tests/$kind/test_$name.sh" ;;
    fuzz) check_exists "$page" "$kind.$name" "tests/fuzz/fuzz_$name.c" ;;
    esac
  done < <(named "$page" '`\K(unit|mpi|e2e|cluster|fuzz)\.[a-z0-9_*]+')
  while read -r name; do
    grep -rqw --include='*.[ch]' -- "$name" "$SOURCE/src" "$SOURCE/include" || fail "$page: names $name, which is not in the sources"
  done < <(named "$page" '`\Koikos_[a-z0-9_]+(?=`)')
  while read -r key; do
    grep -qF -- "\"$key\"" "$SOURCE"/src/config/{options,renamed}.c || fail "$page: names the key $key, which is none"
  done < <(named "$page" \
    '(?<![\w./-])(task|learners|model|inner|outer|shared|home|distill|aggregation|privacy|attack|run|checkpoint|log|eval)\.(?!md\b|key\b)[a-z_]+')
done
((failures == 0)) || finish

ln -s "$(dirname "$OIKOS")" build
ln -s "$SOURCE/configs" "$SOURCE/tools" "$SOURCE/tests" .
mkdir data
omniglot=$SOURCE/../shared/data/omniglot
parkinsons=$SOURCE/../shared/data/parkinsons/parkinsons_updrs.data
[ -e "$parkinsons" ] && ln -s "$parkinsons" .
movielens=$SOURCE/../shared/data/ml-100k
[ -d "$movielens" ] && ln -s "$movielens" ml-100k.zip # a folder does as well
[ -d "$omniglot" ] && ln -s "$omniglot"/images_{background,evaluation}.zip .

commands() { # of all pages, without comments
  for page in "${pages[@]}"; do
    awk '/^```sh$/ {inside = 1; next} /^```$/ {inside = 0} inside' "$SOURCE/$page" | sed 's/ \+# .*//'
  done
}

steps=0
while read -r line; do
  case $line in
    tools/test) continue ;;
    git\ worktree* | cmake\ -S\ ../oikos-*) continue ;; # another version is not built here
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
      [ -z "${OIKOS_SANITIZED:-}" ] || { echo "skipped, too slow with sanitizers: $line"; continue; }
      line=$(sed 's,--against [^ ]*,--against build,; s,$, --quick,' <<<"$line") ;; # against itself
    cmake* | *build-c/train*)
      [ -z "${OIKOS_SANITIZED:-}" ] || { echo "skipped, the library is built with sanitizers, the program is not: $line"; continue; } ;;
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
done < <(commands)
finish
