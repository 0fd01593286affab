# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# What differs from site to site. All job scripts read this file; the environment of sbatch goes before it.

# module load gcc openmpi hdf5 openblas                     # what oikos was built with,
# spack load openmpi hdf5+mpi openblas                      # whichever way the site has it

: "${OIKOS:=build/oikos}"       # the program, from the folder that the job was submitted in
: "${OIKOS_LAUNCHER:=srun}"     # what starts the ranks: srun or mpirun
: "${OIKOS_SRUN_MPI:=pmix}"     # with srun: one that `srun --mpi=list` has and MPI was built with
: "${OIKOS_BIND:=core}"         # a rank stays on its cores (core), on its socket (socket), or is free (none)
: "${OIKOS_MIN_NODES:=1}"       # when nodes are lost, go on with those that are left, if so many are
: "${OIKOS_MAX_LOSSES:=20}"     # how often one job may lose a rank or node before it gives up

# Open MPI. A network that is cut is noticed within 9 s instead of never, and srun's PMIx keeps its data in hash tables:
# some versions crash now and then with their default.
export OMPI_MCA_oob_tcp_keepalive_time=5 OMPI_MCA_oob_tcp_keepalive_intvl=1 OMPI_MCA_oob_tcp_keepalive_probes=3
export PMIX_MCA_gds=hash
# export OMPI_MCA_oob_tcp_if_include=ib0 OMPI_MCA_btl_tcp_if_include=ib0   # where nodes have several networks
