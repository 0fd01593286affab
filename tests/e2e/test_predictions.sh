#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# eval --predictions: valid JSON, the same on any number of ranks, and what it says is what the evaluation says; files that
# cannot be written are errors that name them. tools/report draws runs with homes and without.
set -euo pipefail
source "$(dirname "$0")/common.sh"

# good WHAT ARGS...: exit status 0 and nothing on stderr.
good() {
  run "${@:2}"
  check_status "$1" 0
  check_equal "$1: on stderr" "" "$(<"$log.err")"
}

# refused WHAT STATUS REGEX ARGS...: what stderr says.
refused() {
  run "${@:4}"
  check_status "$1" "$2"
  check_match "$1" "$3" "$log.err"
}

write_mlp mlp.yaml
sets=(--set steps=60 --set log.every=5 --set eval.episodes=0)
good "train, three homes" train mlp.yaml "${sets[@]}" --set home.count=3 --set home.owns=all --set home.eta=0.3 --set home.perturbation=0.5 --out homes
good "train, one home" train mlp.yaml "${sets[@]}" --out single
good "eval" eval homes --episodes 40 --predictions one.json
check_match "eval" '^predictions are in one\.json$' "$log.out"
cp "$log.out" table
run_ranks 3 eval homes --episodes 40 --predictions three.json
check_status "eval on 3 ranks" 0
cmp one.json three.json || fail "predictions on 3 ranks are others"
good "eval, one home" eval single --episodes 4 --steps 0 --predictions single.json

# What the file says, beside the table of the evaluation: the losses after 0 and 2 steps, who lives where, with what confidence.
if command -v python3 >/dev/null; then
  python3 - table <<'PYTHON' || fail "the predictions are not what the evaluation says"
import json, re, sys
told, table = json.load(open("one.json")), open(sys.argv[1]).read()
x, episodes, homes = told["x"], told["episodes"], told["homes"]
assert len(x) == 101 and x[0] == -5 and x[-1] == 5 and told["step"] == 60 and told["inner_steps"] == 2
assert [e["episode"] for e in episodes] == list(range(40)) and [h["home"] for h in homes] == [0, 1, 2]

def near(a, b, share):
    assert abs(a - b) <= share * abs(b) + 1e-3, (a, b)

def mean(values):
    values = list(values)
    return sum(values) / len(values)

def at(function, points):  # between the points of the grid
    for point in points:
        i = min(int((point + 5) / 0.1), 99)
        yield function[i] + (function[i + 1] - function[i]) * (point - x[i]) / (x[i + 1] - x[i])

def loss(function, e):
    return mean((f - y) ** 2 for f, y in zip(at(function, e["query_x"]), e["query_y"]))

losses = dict(re.findall(r"^ +(\d+) +([\d.]+) \+-", table, re.M))
for which, step in enumerate(("0", "2")):
    near(mean(e["query_loss"][which] for e in episodes), float(losses[step]), 1e-3)
for e in episodes:
    near(sum(e["p"]), 1, 1e-5)
    assert len(e["support_x"]) == 5 and e["group"] in ("sinusoid", "linear", "quadratic")
    assert e["p"][e["home"]] == max(e["p"]) and e["start"] == homes[e["home"]]["start"]
    near(loss(e["start"], e), e["query_loss"][0], 0.05)
    near(loss(e["adapted"], e), e["query_loss"][1], 0.05)
assert homes[0]["start"] != homes[1]["start"] and episodes[0]["start"] != episodes[0]["adapted"]
rows = re.findall(r"^  home (\d) +([\d.]+) %   confidence ([\d.]+)", table, re.M)
assert rows
for home, share, confidence in rows:
    own = [e for e in episodes if e["home"] == int(home)]
    near(100 * len(own) / 40, float(share), 1e-3)
    near(mean(e["p"][int(home)] for e in own), float(confidence), 0.01)
single = json.load(open("single.json"))
assert len(single["homes"]) == 1 and all(e["p"] == [1] and e["start"] == e["adapted"] for e in single["episodes"])
PYTHON
else
  echo "not tried: what the predictions say (python3 is not installed)"
fi

# Numbers that are not finite are null.
good "train to diverge" train mlp.yaml --set steps=0 --set eval.episodes=0 --set inner.rate=10 --out wild
run eval wild --episodes 3 --steps 40 --predictions diverged.json
check_status "eval of what diverges" 0
check_match "eval of what diverges" '^oikos: warning: the query loss is -?nan after 40 inner steps and .* after 0' "$log.err"
check_match "eval of what diverges" '"adapted": \[null, null,' diverged.json
! grep -Eiq '\b(nan|inf)' diverged.json || fail "NaN in JSON"

# Files that cannot be written; a run that is not of functions.
mkdir folder
refused "a folder that is not there" 2 'no/such/p\.json cannot be written: No such file or directory' eval homes --predictions no/such/p.json
refused "a folder in its place" 2 'folder cannot be written: Is a directory' eval homes --predictions folder
refused "a full disk" 1 '/dev/full cannot be written: No space left on device' eval homes --predictions /dev/full
run_ranks 2 eval homes --predictions no/such/p.json
check_status "a folder that is not there, on 2 ranks" 2
check_equal "a folder that is not there, on 2 ranks: lines" 1 "$(grep -c 'cannot be written' "$log.err")"
write_images images.h5
write_conv conv.yaml
good "train on images" train conv.yaml --set steps=4 --set log.every=2 --set eval.episodes=0 --set home.count=2 --set home.owns=last --out images
refused "images" 2 'images\.json: predictions are of functions' eval images --episodes 3 --predictions images.json
[[ ! -e images.json ]] || fail "images.json was made"

# tools/report
if [[ ! -x /usr/bin/python3 ]]; then
  echo "not tried: tools/report (python3 is not installed)"
  finish
fi
launch "$SOURCE/tools/report" --help
check_status "report --help" 0
check_match "report --help" 'predictions\.json' "$log.out"
if ! /usr/bin/python3 -c 'import matplotlib' 2>/dev/null; then
  echo "not tried: tools/report (matplotlib is not installed)"
  finish
fi
is_picture() { [[ $(head -c 8 "$1/report.png" | od -An -tx1 | tr -d ' \n') == 89504e470d0a1a0a ]] || fail "$1/report.png is no PNG"; }
size_of() { stat -c %s "$1/report.png"; }

launch "$SOURCE/tools/report" homes images single
check_status "report" 0
check_equal "report: on stderr" "" "$(<"$log.err")"
for run in homes images single; do
  is_picture $run
  check_match "report.html of $run" '<h2>configuration</h2>' $run/report.html
done
with=$(size_of homes)
cp homes/report.png today.png # an older run has another name of a key, and the same picture
sed -i 's/"confidence":/"sure":/' homes/metrics.jsonl
launch "$SOURCE/tools/report" homes
check_status "report of older records" 0
cmp today.png homes/report.png || fail "report of older records: another picture"
cp one.json homes/predictions.json # a file made beforehand is read: no program is needed
OIKOS=/no/oikos launch "$SOURCE/tools/report" homes
check_equal "report, predictions made beforehand: on stderr" "" "$(<"$log.err")"
is_picture homes
rm homes/predictions.json
OIKOS=/no/oikos launch "$SOURCE/tools/report" homes
check_status "report without the program" 0
check_match "report without the program" '^no functions are drawn: /no/oikos: No such file' "$log.err"
is_picture homes
(($(size_of homes) < with)) || fail "functions were drawn without the program"
OIKOS=/no/oikos launch "$SOURCE/tools/report" single
check_equal "report of one home: on stderr" "" "$(<"$log.err")"
mkdir fake
echo 'raise ImportError' >fake/matplotlib.py
PYTHONPATH=fake launch "$SOURCE/tools/report" homes
check_status "report without matplotlib" 1
check_match "report without matplotlib" 'apt-get install python3-matplotlib' "$log.err"
finish
