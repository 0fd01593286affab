#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Whatever a user gets wrong, on 1 rank and on 3: one message on stderr that begins with "oikos" and says where and what,
# exit status 2 for wrong use and 1 for errors, through mpirun too; no crash, no hang, no second message from another
# rank.
set -euo pipefail
source "$(dirname "$0")/common.sh"

# try NAME RANKS STATUS REGEX ARGS...
try() {
  local args=("${@:5}")
  [[ $5 != train || " $* " == *" --out "* ]] || args+=(--out "$1.run")
  if (($2 == 1)); then run "${args[@]}"; else run_ranks "$2" "${args[@]}"; fi
  local what="oikos ${*:5} (on $2 ranks)"
  check_status "$what" "$3"
  check_match "$what" "^oikos.*$4" "$log.err"
  # argp says where to find help besides
  check_one_line "$what: on stderr" "$log.err"
}
cases=0
bad() { # STATUS REGEX ARGS...
  local ranks
  cases=$((cases + 1))
  for ranks in 1 3; do apart "case$cases.$ranks" try "case$cases.$ranks" $ranks "$@"; done
}

# config_with NAME LINE...: a file NAME.yaml of these lines.
config_with() { printf '%s\n' "${@:2}" >"$1.yaml"; }

write_mlp mlp.yaml
write_conv conv.yaml
write_images images.h5
run train mlp.yaml --set steps=1 --set eval.episodes=0 --out run
check_status "a run to damage" 0

# The configuration file
mkdir folder.yaml
: >empty.yaml
config_with text 'Sing, goddess, the anger of Achilles'
config_with list '- dense: 1'
config_with bracket 'seed: 1' 'model: {layers: [dense: 1'
config_with unknown 'seed: 1' 'inner:' '  stepps: 3'
config_with section 'steps: 1' 'iner: {steps: 3}'
config_with twice 'seed: 1' 'seed: 2'
config_with word 'seed: 1' 'inner:' '  rate: fast'
config_with half 'inner: {steps: 1.5}'
config_with mapping 'seed: {a: 1}'
config_with no_layers 'seed: 1'
config_with no_units 'model:' '  layers:' '    - relu' '    - dense'
head -c 3000 /dev/urandom >binary.yaml
bad 2 'nix\.yaml cannot be read: No such file' train nix.yaml
bad 2 'folder\.yaml cannot be read: Is a directory' train folder.yaml
bad 2 'empty\.yaml: .*an empty file' train empty.yaml
bad 2 'text\.yaml: expected sections' train text.yaml
bad 2 'list\.yaml: expected sections' config list.yaml
bad 2 'bracket\.yaml:[0-9]+: not valid YAML' train bracket.yaml
bad 2 'binary\.yaml' train binary.yaml
bad 2 'unknown\.yaml:3: unknown key inner\.stepps; did you mean inner\.steps\?' train unknown.yaml
bad 2 'section\.yaml:2: unknown key iner; did you mean inner' train section.yaml
bad 2 'twice\.yaml:2: seed: the key stands twice' train twice.yaml
bad 2 'word\.yaml:3: inner\.rate: expected a number from 0 to 1000000, found fast' train word.yaml
bad 2 'half\.yaml:1: inner\.steps: expected a whole number .*, found 1\.5' train half.yaml
bad 2 'mapping\.yaml:1: seed: expected a whole number .*, found a mapping' train mapping.yaml
bad 2 'no_layers\.yaml: model\.layers: expected a list of layers, found none' train no_layers.yaml
bad 2 'no_units\.yaml:4.*dense.*units' train no_units.yaml

# Values
for number in .nan .inf nan -inf 1e400 0x; do
  bad 2 "inner\.rate: expected a number .*, found $number" train mlp.yaml --set inner.rate=$number
done
bad 2 'inner\.steps: expected a whole number from 0 to 10000, found -1' train mlp.yaml --set inner.steps=-1
bad 2 'shared\.mixing: expected a number from 0 to 1, found 1\.5' train mlp.yaml --set shared.mixing=1.5
bad 2 'learners\.count: expected .*, found 0' train mlp.yaml --set learners.count=0
bad 2 'outer\.optimizer: expected one of sgd\|.*, found adamm' train mlp.yaml --set outer.optimizer=adamm
bad 2 'task\.rotations: expected true or false, found perhaps' train mlp.yaml --set task.rotations=perhaps
bad 2 'task\.modes: .*found cosinus' train mlp.yaml --set 'task.modes=[cosinus]'
bad 2 'home\.count is 3 but home\.owns is nothing' train mlp.yaml --set home.count=3
bad 2 'inner\.micro_batches is 9, more than' train mlp.yaml --set inner.micro_batches=9
bad 2 'task\.file is not set' train mlp.yaml --set task.source=images --set model.loss=cross_entropy
bad 2 'model\.loss does not fit task\.source' train mlp.yaml --set model.loss=cross_entropy

# Layers that do not fit
layers() { bad 2 "$2" train "$1" --set "model.layers=$3"; }
layers mlp.yaml 'unknown layer.*dense' '[dence: 5, dense: 1]'
layers mlp.yaml 'the last layer gives .* 3 numbers, but the task wants 1' '[dense: 3]'
layers mlp.yaml 'units.*expected a whole number' '[dense: 0]'
layers mlp.yaml 'no argument units_' '[dense: {units_: 3}]'
layers mlp.yaml 'no layer of the network has parameters' '[relu]'
layers mlp.yaml 'too large' '[dense: 100000, dense: 100000, dense: 1]'
layers conv.yaml 'dense: expected a vector, .*; put .flatten. before it' '[conv2d: {filters: 3, kernel: 3}, dense: 3]'
layers conv.yaml 'the kernel is 11 x 11 but the padded input only 9 x 9' '[conv2d: {filters: 3, kernel: 11}, flatten, dense: 3]'
layers conv.yaml 'the window is 10 x 10 but the input only 9 x 9' '[max_pool: 10, flatten, dense: 3]'
layers conv.yaml 'the last layer gives .* 4 numbers, but the task wants 3' '[flatten, dense: 4]'
layers conv.yaml 'filters must be given' '[conv2d: {kernel: 3}, flatten, dense: 3]'

# Images
head -c $(($(stat -c %s images.h5) / 2)) images.h5 >truncated.h5
printf 'no class of mine\n' >wrong.list
printf '0\n1\n2\n3\n3\n' >double.list
images() { bad "$1" "$2" train conv.yaml "${@:3}"; }
images 2 'task\.ways is 50, but .* only [0-9]+ classes' --set task.ways=50 --set 'model.layers=[flatten, dense: 50]'
images 2 'class .* has 12 images, but task\.support 8 \+ task\.query 5' --set task.support=8 --set task.query=5
images 2 'the validation split has only 0 classes' --set eval.split=validation
images 2 'nothing is left to train on' --set task.test_fraction=1
images '[12]' 'nix\.h5: .*(does not exist|missing|not a readable)' --set task.file=nix.h5
images '[12]' 'truncated\.h5: it is damaged: it has [0-9]+ bytes, but [0-9]+ were written' --set task.file=truncated.h5
images '[12]' 'mlp\.yaml: it is not a readable HDF5 file' --set task.file=mlp.yaml
images '[12]' 'step-0*1\.h5: .*oikos images.*oikos import' --set task.file=run/checkpoints/step-000000000001.h5
images 2 'task\.train_list is not set' --set task.split=list
images 2 'nix\.list: it cannot be opened: No such file' --set task.split=list --set task.train_list=nix.list
images 2 'wrong\.list:1: no class of that name in the image file: no class of mine' --set task.split=list \
  --set task.train_list=wrong.list
images 2 'double\.list:5: class 3 is listed twice' --set task.split=list --set task.train_list=double.list

# The command line
bad 2 '--set steps: expected key=value' train mlp.yaml --set steps
bad 2 '--set: unknown key inner\.stepz; did you mean inner\.steps\?' train mlp.yaml --set inner.stepz=3
bad 2 "unrecognized option '--sett'" train mlp.yaml --sett inner.steps=3
bad 2 'unknown command trian' trian mlp.yaml
bad 2 'CONFIG is missing' train --out nowhere
bad 2 'one CONFIG is expected, found mlp.yaml and conv.yaml' train mlp.yaml conv.yaml
bad 2 "option '--out' requires an argument" train mlp.yaml --out
bad 2 'RUN or CHECKPOINT is missing' eval
bad 2 'FILE is missing' inspect
bad 2 'CONFIG is missing' gradcheck
bad 2 'CONFIG is missing' config
bad 2 'WHAT is one of step, gemm, .*; found speed' bench speed
bad 2 '--episodes: expected a whole number from 1 .*, found many' eval run --episodes many
bad 2 'nix: no such run directory' eval nix
bad 2 'folder\.yaml holds no checkpoint; train first' eval folder.yaml
bad '[12]' 'nix\.h5: .*([Nn]o such|missing)' inspect nix.h5
bad '[12]' 'nix\.h5: .*([Nn]o such|missing|cannot be read)' inspect --digest nix.h5
bad 2 'the folder mlp.yaml/run cannot be made: .*(Not a directory|File exists)' train mlp.yaml \
  --out mlp.yaml/run
bad '[12]' 'x/y\.h5 cannot be (created|written)' gradcheck mlp.yaml --dump x/y.h5
if [[ $(id -u) != 0 ]]; then
  mkdir -m 500 locked
  bad 2 'the folder locked/run cannot be made: .*Permission denied' train mlp.yaml --out locked/run
fi

# Imports
mkdir no_idx
cp mlp.yaml text.zip
bad 2 "there is no importer 'xls'; there are: omniglot, idx, csv" import xls mlp.yaml -o x.h5
bad 2 'KIND is missing' import -o x.h5
bad 2 'SOURCE is missing' import idx -o x.h5
bad 2 '-o FILE.h5 is missing' import idx idx
bad 2 'nix.* No such file' import idx nix -o x.h5
bad '[12]' 'no_idx' import idx no_idx -o x.h5
bad 2 'nix.zip: cannot be opened: No such file' import omniglot nix.zip -o x.h5
bad 1 'text\.zip: not an intact zip' import omniglot text.zip -o x.h5
bad 2 'the folder mlp.yaml cannot be made: it is a file' import idx idx -o mlp.yaml/y.h5
bad 2 'folder\.yaml exists and is not a file' import idx idx -o folder.yaml
cp -r idx idx_cut
truncate -s 5000 idx_cut/train-images-idx3-ubyte
bad 1 'idx_cut/train-images-idx3-ubyte.*(cut|short|end)' import idx idx_cut -o x.h5
if command -v zip >/dev/null; then
  zip -q whole.zip idx/*
  head -c $(($(stat -c %s whole.zip) / 2)) whole.zip >cut.zip
  bad 1 'cut\.zip: .*(cut short|damaged|not an intact)' import omniglot cut.zip -o x.h5
else
  echo "not tried: a truncated zip (zip is not installed)"
fi
gather

# Training that diverges: the step and the learner are named, and the last good checkpoint stays.
cat >wild.yaml <<'YAML'
steps: 1000
task: {support: 5, query: 5}
learners: {count: 7}
model:
  layers: [dense: 20, relu, dense: 20, relu, dense: 1]
inner: {steps: 1}
outer: {optimizer: sgd}
shared: {rate: 0.5}
checkpoint: {every: 1}
YAML
for ranks in 1 3; do
  run_ranks $ranks train wild.yaml --out wild$ranks
  check_status "diverging on $ranks ranks" 1
  check_match "diverging" '^oikos: step [0-9]+: the loss or gradient of learner [0-6] is not finite' "$log.err"
  check_one_line "diverging: on stderr" "$log.err"
  step=$(sed 's/^oikos: step \([0-9]*\):.*/\1/' "$log.err")
  check_equal "diverging: step of the last checkpoint" "$step" "$(step_of "$(newest wild$ranks)")"
  cp "$log.err" wild$ranks.err
  run inspect "$(newest wild$ranks)"
  check_status "inspect after diverging" 0
done
diff wild1.err wild3.err || fail "diverging: 1 and 3 ranks name different learners"

# No command at all: the usage, on stderr.
run
check_status "no command" 2
check_match "no command" '^Usage: oikos COMMAND' "$log.err"

# A wrong command, alone and on many ranks: one message.
for ranks in 1 3; do
  run_ranks $ranks trian
  check_status "a wrong command on $ranks ranks" 2
  check_equal "a wrong command on $ranks ranks: messages" 1 "$(grep -c 'oikos: unknown command trian; `oikos --help` lists them' "$log.err")"
done
# No mpirun at all.
launch env MPIEXEC=nowhere/mpirun "$SOURCE/tools/ranks" 2 "$OIKOS" --version
check_status "no mpirun" 1
check_match "no mpirun" '^jobs/launcher.sh: there is no nowhere/mpirun: install an MPI' "$log.err"

# The mpirun of another MPI: ranks that do not find each other are not trained N times over.
other=PMI
[[ $launcher != hydra ]] || other=OMPI_COMM_WORLD
for rank in 0 1; do
  launch env ${other}_SIZE=2 ${other}_RANK=$rank "$OIKOS" train mlp.yaml --out lost
  check_status "rank $rank of another MPI's mpirun" 2
  cp "$log.err" lost.$rank
done
check_match "another MPI's mpirun" '^oikos: mpirun started 2 ranks that do not find each other: it belongs to another MPI than (Open MPI|MPICH)' lost.0
check_equal "another MPI's mpirun: rank 1" "" "$(<lost.1)"
finish
