# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2034
# What starts ranks, and all that launchers differ in; to be sourced. Known are mpirun of Open MPI 4 (ORTE) and 5 (PRRTE) and
# of MPICH and its kin (Hydra: Intel MPI, MVAPICH). MPIEXEC names another mpirun than the one in PATH, or srun, within a job of
# Slurm's, which is told what mpirun is told.
#
#   launcher_begin                  first of all: finds out which it is, sets `launcher` and `mpirun`, exports what root needs
#   "${mpirun[@]}" N PROGRAM...     N ranks on this machine, more than it has cores if need be, bound to none
#   launcher_place P T BIND NODES   sets `place`, options for P ranks of T threads on each of NODES ("a,b"), bound to core, socket
#                                   or none
#   launcher_over FILE AGENT DIR NET  sets `over`, what starts ranks on the hosts of FILE ("h1 slots=1" lines) by the remote shell
#                                   AGENT over the network interface NET, files of its own in DIR; -n N PROGRAM... follow
#   launcher_own FILE               takes out of FILE what the launcher itself says when a rank ends with an error
#   launcher_processes              names of the processes by which it starts ranks, in one pattern
#   rank_variables                  names of the variables in which a rank finds its number, in one pattern
#
# Alike in what the tests hold them to (e2e.resume, e2e.kill, e2e.bad_input): a rank that ends with an error ends the others, the
# exit status is that of one that failed, or over 128, and SIGUSR1 to the launcher reaches all ranks. Standard input is not used.

: "${MPIEXEC:=mpirun}"

launcher_kind() {
  local said
  command -v "$MPIEXEC" >/dev/null || {
    echo "jobs/launcher.sh: there is no $MPIEXEC: install an MPI (tools/setup), load its module, or name its mpirun in MPIEXEC" >&2
    return 1
  }
  said=$("$MPIEXEC" --version 2>/dev/null </dev/null) || true
  case $said in
  *"(Open MPI) 4."* | *"(Open MPI) 3."* | *"(OpenRTE)"*) echo ompi4 ;;
  *"(Open MPI)"* | *PRRTE* | *prte*) echo ompi5 ;;
  *HYDRA* | *Intel*MPI*) echo hydra ;;
  slurm*) echo srun ;;
  *)
    echo "jobs/launcher.sh: $MPIEXEC is of none of Open MPI, MPICH, Intel MPI and Slurm (MPIEXEC names another); it said: ${said%%$'\n'*}" >&2
    return 1
    ;;
  esac
}

launcher_begin() {
  launcher=$(launcher_kind) || return 1
  # Root is refused unless it says twice that it means it.
  export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 PRTE_ALLOW_RUN_AS_ROOT=1 PRTE_ALLOW_RUN_AS_ROOT_CONFIRM=1
  case $launcher in
  ompi4) mpirun=("$MPIEXEC" -q --oversubscribe --bind-to none -n) ;;
  ompi5) mpirun=("$MPIEXEC" --map-by :OVERSUBSCRIBE --bind-to none --mca btl 'self,sm' -n) ;; # it complains of networks that are down
  hydra) mpirun=("$MPIEXEC" -bind-to none -n) ;;
  srun) mpirun=("$MPIEXEC" --mpi="${OIKOS_SRUN_MPI:-pmix}" --overcommit --cpu-bind=none -n) ;;
  esac
}

launcher_place() {
  local per_node=$1 threads=$2 bind=$3 nodes=$4
  case $launcher-$bind in
  ompi*-core) place=(--map-by "ppr:$per_node:node:PE=$threads" --bind-to core) ;;
  ompi*-socket) place=(--map-by "ppr:$per_node:node" --bind-to "$([[ $launcher == ompi4 ]] && echo socket || echo package)") ;;
  ompi*-none) place=(--map-by "ppr:$per_node:node" --bind-to none) ;;
  hydra-core) place=(-ppn "$per_node" -bind-to "core:$threads") ;;
  hydra-*) place=(-ppn "$per_node" -bind-to "$bind") ;;
  esac
  case $launcher in
  ompi*) place+=(--host "${nodes//,/:$per_node,}:$per_node") ;;
  hydra) place+=(-hosts "$nodes") ;;
  esac
}

# A daemon that does not answer is lost after 8 seconds (with LAUNCHER_KEEPALIVE=0 after hours, as by Open MPI's own default). The
# hosts share this machine's cores, so that a rank that waits must not take one.
launcher_over() {
  local hostfile=$1 agent=$2 folder=$3 network=$4 one daemons=()
  export OMPI_MCA_btl_tcp_if_include=$network OMPI_MCA_pml=ob1 OMPI_MCA_mpi_yield_when_idle=1 MPIR_CVAR_POLLS_BEFORE_YIELD=1
  local keepalive=(oob_tcp_if_include="$network" oob_tcp_keepalive_time="${LAUNCHER_KEEPALIVE:-5}" oob_tcp_keepalive_intvl=1
                   oob_tcp_keepalive_probes=3)
  case $launcher in
  ompi4)
    export OMPI_MCA_btl=self,vader,tcp
    daemons=(OMPI plm=rsh plm_rsh_agent="$agent" orte_tmpdir_base="$folder" "${keepalive[@]}")
    over=("$MPIEXEC" --hostfile "$hostfile" --map-by node:oversubscribe --bind-to none)
    ;;
  ompi5)
    export OMPI_MCA_btl=self,sm,tcp
    daemons=(PRTE plm=ssh plm_ssh_agent="$agent" prte_tmpdir_base="$folder" "${keepalive[@]}")
    over=("$MPIEXEC" --hostfile "$hostfile" --map-by node:OVERSUBSCRIBE --bind-to none)
    ;;
  hydra)
    over=("$MPIEXEC" -hosts "$(cut -d' ' -f1 "$hostfile" | paste -sd,)" -launcher rsh -launcher-exec "$agent" -iface "$network"
      -bind-to none)
    ;;
  esac
  for one in "${daemons[@]:1}"; do export "${daemons[0]}_MCA_$one"; done
}

# Open MPI puts its words between two lines of dashes, Hydra between lines of "=" and behind them. What begins with "oikos:" stays,
# and so does what is no whole block.
launcher_own() {
  local rest
  rest=$(awk '
    function is_rule(sign) { return length >= 70 && $0 ~ "^" sign "+$" }
    function flush() { printf "%s", held; held = "" }
    rule && is_rule(rule) { rule = held = ""; next }
    !rule && (is_rule("-") || is_rule("=")) { rule = substr($0, 1, 1); held = $0 "\n"; next }
    /^oikos:/ { print; next }
    rule { held = held $0 "\n"; next }
    /^(srun|slurmstepd): / { next }
    /^\[[^]]*:[0-9]+\] PMIX ERROR: / || /^\[warn\] Epoll / { next } # of Open MPI 5, when ranks end at once
    /^YOUR APPLICATION TERMINATED WITH THE EXIT STRING|^This typically refers to a problem with your application/ ||
      /^Please see the FAQ page for debugging suggestions/ { next }
    { print }
    END { flush() }' < <(tr -d '\0' <"$1"))
  printf '%s' "${rest:+$rest$'\n'}" >"$1"
}

launcher_processes() { echo '^(mpirun|mpiexec|mpiexec\.hydra|prterun|prte|orted|prted|hydra_pmi_proxy)$'; }
rank_variables() { echo '(SLURM_PROCID|OMPI_COMM_WORLD_RANK|PMIX_RANK|PMI_RANK)'; }
