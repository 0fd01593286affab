#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Ratings, from releases of MovieLens made up here, tables of one's own and the program's own ratings to a file that
# inspect shows. With ../shared/data/ml-100k beside the source: the real 100K release.
set -euo pipefail
source "$(dirname "$0")/common.sh"

# ratings SEPARATOR: 3,000 ratings of 80 items by 40 users, no time twice, out of order.
ratings() {
  awk -v s="$1" 'BEGIN {
    for (i = 0; i < 3000; i++) {
      k = (i * 1117) % 3200
      print 1 + int(k / 80) s 1 + k % 80 s 1 + (k * 7) % 5 s 900000000 + (k * 1999) % 3203
    }
  }'
}
flags() { awk -v n="$1" 'BEGIN {for (i = 0; i < 19; i++) printf "|%d", i == n % 19 || i == n % 7; print ""}'; }

mkdir -p 100k/ml 1m/ml latest/ml
ratings $'\t' >100k/ml/u.data
ratings :: >1m/ml/ratings.dat
{ echo userId,movieId,rating,timestamp && ratings ,; } >latest/ml/ratings.csv
awk 'BEGIN {for (i = 0; i < 19; i++) print "genre" i "|" i}' >100k/ml/u.genre
echo movieId,title,genres >latest/ml/movies.csv
for i in {1..80}; do
  printf '%d|Caf\xe9 %d (19%02d)|01-Jan-1990||url%s\n' "$i" "$i" "$i" "$(flags "$i")" >>100k/ml/u.item
  printf '%d::"Caf\xe9" %d (19%02d)::genre%d|genre0\n' "$i" "$i" "$i" $((i % 19)) >>1m/ml/movies.dat
  printf '%d,"Caf\xc3\xa9, %d (19%02d)",genre%d|genre0\n' "$i" "$i" "$i" $((i % 19)) >>latest/ml/movies.csv
done
for u in {1..40}; do
  echo "$u|$((20 + u))|M|job$((u % 3))|$((u + 10))001" >>100k/ml/u.user
  echo "$u::F::$((20 + u))::$((u % 3))::$((u + 10))001" >>1m/ml/users.dat
done
head -2000 100k/ml/u.data >100k/ml/u1.base
tail -1000 100k/ml/u.data >100k/ml/u1.test
said='^3000 ratings of 80 items by 40 users; 0 bad rows met; 0 ratings of the same item by the same user$'

for release in 100k 1m latest; do
  run import movielens $release/ml -o $release.h5
  check_status "import of $release" 0
  check_match "import of $release" "$said" "$log.out"
  run inspect $release.h5
  check_status "inspect of $release" 0
  for regex in '^format: oikos ratings$' '^source: movielens from ml$' '^  /value +float32 \(3000\)' '^  /user_first +int64 \(41\)' \
    '^  /item_rating +int32 \(3000\)' '^  /item_title +text \(80\)' '^  /item_number +float32 \(80, 1\)'; do
    check_match "inspect of $release" "$regex" "$log.out"
  done
done
run inspect 100k.h5
check_match "splits" '^  /split_u1 +uint8 \(3000\)' "$log.out"
mkdir -p shuffled/ml
cp 100k/ml/* shuffled/ml
sort -t $'\t' -k 4 100k/ml/u.data >shuffled/ml/u.data
run import movielens shuffled/ml -o shuffled.h5
cmp 100k.h5 shuffled.h5 || fail "the order of rows shows in the file"
if /usr/bin/python3 -c 'import zipfile' 2>/dev/null; then
  for release in 100k 1m latest; do
    mkdir -p zips
    rm -f zips/ml
    (cd $release && /usr/bin/python3 -m zipfile -c ../zips/ml ml)
    run import movielens zips/ml -o zipped.h5
    check_status "import of a zip of $release" 0
    cmp $release.h5 zipped.h5 || fail "$release: the zip gives another file than the folder"
  done
  head -c 3000 zips/ml >cut.zip
  run import movielens cut.zip -o x.h5
  check_status "a cut zip" 1
  check_match "a cut zip" 'cut\.zip: .*(cut short|damaged|not an intact)' "$log.err"
  [[ ! -e x.h5 ]] || fail "a cut zip: left x.h5"
else
  echo "not tried: zips (no /usr/bin/python3)"
fi

# bad STATUS REGEX ARGS...: refused, and nothing is written.
bad() {
  run "${@:3}"
  check_status "${*:3}" "$1"
  check_match "${*:3}" "$2" "$log.err"
  [[ ! -e x.h5 ]] || fail "${*:3}: left x.h5"
}
mkdir -p none broken
cp 1m/ml/* broken
printf '1::2::x::3\n1::2\n5::5::5::-7\n' >>broken/ratings.dat
bad 2 'none: expected a release of MovieLens .*found none of them' import movielens none -o x.h5
bad 2 'movielens wants one release, found 2' import movielens 1m/ml 100k/ml -o x.h5
bad 1 'broken/ratings\.dat:3001: column rating: expected a finite number, found .x.' import movielens broken -o x.h5
run import movielens broken -o skipped.h5 --skip-bad
check_status "import --skip-bad" 0
check_match "import --skip-bad" 'ratings\.dat:3002: expected 4 fields, found 2' "$log.out"
check_match "import --skip-bad" '^3000 ratings of 80 items by 40 users; 2 bad rows left out; 1 ratings of the same' "$log.out"

printf 'who,age,job\nbob,30,cook\n"a, x",40,clerk\n' >users.csv
printf 'what;name;kind\na;The A;x|y\nb;The B;y\n' >items.csv
printf 'who,what,stars,when\nbob,b,4,5\n"a, x",b,3.5,7\nbob,a,2,3\nbob,b,5,9\n' >ratings.csv
columns=(--user who --item what --rating stars)
run import csv ratings.csv -o csv.h5 "${columns[@]}" --time when --user-table users.csv --item-table items.csv --title name
check_status "import csv of ratings" 0
check_match "import csv of ratings" '^user bob rated item b again: the last by time is kept' "$log.out"
check_match "import csv of ratings" '^3 ratings of 2 items by 2 users; 0 bad rows met; 1 ratings of the same' "$log.out"
run inspect csv.h5
for regex in '^duplicates: 1' '^  /user_number +float32 \(2, 1\)' '^  /item_category +int32 \(3\)' '^  /item_title +text \(2\)'; do
  check_match "inspect of csv" "$regex" "$log.out"
done
bad 2 "ratings\.csv: --user: there is no column 'you' in the header" import csv ratings.csv -o x.h5 --user you --item what --rating stars
bad 2 'csv of ratings wants --user' import csv ratings.csv -o x.h5 --user who
bad 2 'gone\.csv: it cannot be opened' import csv ratings.csv -o x.h5 "${columns[@]}" --user-table gone.csv

run import ratings-demo -o demo.h5 --users 100 --items 50 --seed 3
check_status ratings-demo 0
check_match ratings-demo '^[0-9]+ ratings of 50 items by 100 users' "$log.out"
run_ranks 2 import ratings-demo -o again.h5 --users 100 --items 50 --seed 3
cmp demo.h5 again.h5 || fail "the same seed gives other ratings"
run import ratings-demo -o other.h5 --users 100 --items 50 --seed 4
! cmp -s demo.h5 other.h5 || fail "another seed gives the same ratings"
bad 2 'ratings-demo makes its data up: give no source' import ratings-demo users.csv -o x.h5
bad 2 'SOURCE is missing' import movielens -o x.h5
bad 2 '\-\-users' import ratings-demo -o x.h5 --users none

# Memory goes by what training draws, not by the most popular item: one with 8,000 ratings of 40,000, of which 1,600 are judged, takes
# no more than twice what 300 take, in training and in the evaluation that judges it.
cat >memory.yaml <<'YAML'
steps: 3
task: {source: ratings, split: last, roles: [items], support: 20, query: 10, self_row: false}
learners: {count: 32}
model: {init: glorot, layers: [embedding: {width: 24}, dense: 64, relu, dense: 64, relu, dense: 1]}
inner: {steps: 3}
eval: {episodes: 3}
YAML
for most in 300 8000; do
  "$SOURCE/tools/bench/ratings" 40000 8000 400 "$most" >made.csv
  run import csv made.csv -o "made-$most.h5" --user user --item item --rating rating --time time
  check_match "made-up ratings" "^(3[89]|4[01])[0-9]{3} ratings of 400 items by [78][0-9]{3} users" "$log.out"
  run train memory.yaml --set "task.file=made-$most.h5" --out "memory-$most"
  check_status "memory with an item of $most ratings" 0
  sed -n 's/^peak memory of a rank: \([0-9]*\) MiB$/\1/p' "$log.out" >"peak-$most"
done
echo "peak memory in MiB: $(xargs <peak-300) with 300 ratings of an item, $(xargs <peak-8000) with 8,000"
(($(tail -n 1 peak-8000) <= 2 * $(tail -n 1 peak-300))) || fail "an item of 8,000 ratings takes $(xargs <peak-8000) MiB, one of 300 $(xargs <peak-300)"
again=$("$SOURCE/tools/bench/ratings" 40000 8000 400 8000 | cmp - made.csv 2>&1) || fail "tools/bench/ratings is not the same again: $again"
! "$SOURCE/tools/bench/ratings" 40000 800 400 8000 2>bench.err || fail "tools/bench/ratings takes an item of more ratings than users"

real=$SOURCE/../shared/data/ml-100k
if [[ -e $real/u.data ]]; then
  run import movielens "$real" -o real.h5
  check_status "the real 100K release" 0
  check_match "the real 100K release" '^100000 ratings of 1682 items by 943 users; 0 bad rows met; 0 ratings' "$log.out"
else
  echo "not tried: real data ($real is not here)"
fi
finish
