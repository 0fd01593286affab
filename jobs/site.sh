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
: "${OIKOS_PATIENCE:=600}"      # for so many seconds Slurm's controller may be busy or away, and counts as neither yes nor no

# Open MPI 4 and 5. Its daemons notice a cut network within 9 s instead of never, and srun's PMIx keeps its data in hash tables:
# some versions crash now and then with their default. MPICH and its kin need neither: there oikos's own connections notice
# (mpi.keepalive), and nothing is set.
export OMPI_MCA_oob_tcp_keepalive_time=5 OMPI_MCA_oob_tcp_keepalive_intvl=1 OMPI_MCA_oob_tcp_keepalive_probes=3
export PRTE_MCA_oob_tcp_keepalive_time=5 PRTE_MCA_oob_tcp_keepalive_intvl=1 PRTE_MCA_oob_tcp_keepalive_probes=3
export PMIX_MCA_gds=hash

# Where nodes have several networks, the one for MPI:
# export OMPI_MCA_oob_tcp_if_include=ib0 PRTE_MCA_oob_tcp_if_include=ib0 OMPI_MCA_btl_tcp_if_include=ib0   # Open MPI
# export HYDRA_IFACE=ib0                                                                                   # MPICH, by mpirun

# Intel MPI and Cray MPICH have MPICH's binary interface: an oikos that was built with MPICH (MPI_HOME, HDF5_ROOT) runs with their
# libraries in place of it (module load; LD_LIBRARY_PATH), and so must its HDF5. Such a site writes here
# OIKOS_SRUN_MPI=pmi2; export I_MPI_PMI_LIBRARY=/usr/lib64/libpmi2.so I_MPI_FABRICS=shm:ofi      # Intel MPI, by srun
# OIKOS_LAUNCHER=mpirun; export I_MPI_HYDRA_IFACE=ib0                                            # Intel MPI, by its mpirun
# OIKOS_SRUN_MPI=cray_shasta; export MPICH_OFI_NIC_POLICY=NUMA                                   # Cray MPICH, by srun alone
# and hints for MPI-IO in the configuration, not here: checkpoint.hints is the same for all of them.
