# SPDX-License-Identifier: MIT
# oikos for Spack, 0.23 and newer. How to use it: tools/packaging/README.md.
import os

try:
    from spack_repo.builtin.build_systems.cmake import CMakePackage
except ImportError:
    pass  # before Spack 1.0 it comes with spack.package

from spack.package import *


class Oikos(CMakePackage):
    """Distributed meta-learning in C for HPC clusters: MAML and its relatives with exact second-order gradients over
    MPI, with the same bits on one core or a thousand ranks."""

    manual_download = True  # tools/packaging/source makes the archive; it is looked for where Spack is started
    url = f"file://{os.getcwd()}/oikos-0.1.0.tar.gz"

    license("MIT")

    version("0.1.0")

    variant("native", default=False, description="Compile for the build host alone, not for a mixed cluster")

    depends_on("c", type="build")
    depends_on("cmake@3.25:", type="build")
    depends_on("pkgconfig", type="build")
    depends_on("random123", type="build")  # headers alone
    depends_on("mpi")
    depends_on("hdf5@1.10:+mpi")
    depends_on("openblas@0.3.16:")
    depends_on("openblas+dynamic_dispatch", when="~native")  # kernels of every level of processors
    depends_on("libyaml")
    depends_on("libarchive")
    depends_on("libspng")
    depends_on("xxhash")
    depends_on("zlib-api")
    depends_on("cmocka", type="test")

    requires("platform=linux", msg="oikos needs Linux and glibc")
    conflicts("%gcc@:11", msg="levels of processors want GCC 12 or newer")

    def cmake_args(self):
        return [self.define_from_variant("OIKOS_NATIVE", "native"), self.define("OIKOS_TESTS", self.run_tests)]

    def check(self):
        """The tests that need no launcher; all of them: tools/test in the source tree."""
        with working_dir(self.build_directory):
            which("ctest")("--output-on-failure", "-R", "^unit[.]")

    def test_train(self):
        """train a model on built-in functions and look into it"""
        oikos = which(join_path(self.prefix.bin, "oikos"))
        with open("small.yaml", "w") as config:
            config.write("steps: 20\ntask: {modes: [sinusoid], support: 5, query: 5}\n")
            config.write("learners: {count: 4}\nmodel: {layers: [dense: 8, relu, dense: 1]}\n")
        oikos("train", "small.yaml", "--out", "run")
        assert "step" in oikos("inspect", "run", output=str.split, error=str.split)
