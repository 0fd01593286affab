#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Read a recipe where its package tool is not there: a stand-in for the little of its language that the recipe uses.

Usage: parse.py spack PACKAGE.PY CMAKELISTS.TXT [TREE]
       parse.py easybuild EASYCONFIG [TREE]
TREE, an installed oikos, is held to the recipe's own test of an installation.
"""
import os
import re
import subprocess
import sys
import tempfile
import types

problems = []


def check(good, words):
    if not good:
        problems.append(words)


SPEC = re.compile(r"^[a-z][a-z0-9-]*(@[0-9.:]+)?([+~][a-z_]+)*$")
CONSTRAINT = re.compile(r"^([%^]?[a-z][a-z0-9-]*)?(@[0-9.:]+)?([+~][a-z_]+|[a-z]+=[a-z]+)*$")
TYPES = {"build", "link", "run", "test"}


class Program:
    def __init__(self, path):
        self.path = path

    def __call__(self, *args, output=None, error=None):
        return subprocess.run([self.path, *args], check=True, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT).stdout


def spack_language(variants):
    """The names that `from spack.package import *` brings and the recipe uses."""

    def depends_on(spec, when=None, type=("build", "link")):
        check(SPEC.match(spec), f"depends_on: not a spec: {spec}")
        check(when is None or CONSTRAINT.match(when), f"depends_on: not a spec: when={when}")
        for one in [type] if isinstance(type, str) else type:
            check(one in TYPES, f"depends_on {spec}: no such type: {one}")

    def variant(name, default=None, description=""):
        check(isinstance(default, bool) and description, f"variant {name}: wants a default and a description")
        variants.append(name)

    def version(number):
        check(re.match(r"^[0-9.]+$", number), f"version: {number}")

    def constraint(spec, msg=None, when=None):
        check(CONSTRAINT.match(spec) and msg, f"requires or conflicts: {spec}")

    class CMakePackage:
        run_tests = False

        def define(self, name, value):
            return f"-D{name}={'ON' if value else 'OFF'}"

        def define_from_variant(self, name, variant):
            check(variant in variants, f"no variant {variant}")
            return self.define(name, False)

    return {
        "CMakePackage": CMakePackage, "conflicts": constraint, "depends_on": depends_on, "join_path": os.path.join, "license": str,
        "requires": constraint, "variant": variant, "version": version, "which": Program,
    }


def spack(path, cmake_lists, tree=None):
    variants = []
    package = types.ModuleType("spack.package")
    package.__dict__.update(spack_language(variants))
    package.__all__ = [name for name in package.__dict__ if not name.startswith("_")]
    sys.modules["spack"], sys.modules["spack.package"] = types.ModuleType("spack"), package
    names = {}
    exec(compile(open(path).read(), path, "exec"), names)
    recipe = names["Oikos"]()
    options = set(re.findall(r"^option\((\w+)", open(cmake_lists).read(), re.M))
    for argument in recipe.cmake_args():
        name = re.match(r"-D(\w+)=(ON|OFF)$", argument)
        check(name and name[1] in options, f"cmake_args: CMakeLists.txt has no option {argument}")
    if tree:
        recipe.prefix = types.SimpleNamespace(bin=os.path.join(tree, "bin"))
        with tempfile.TemporaryDirectory() as folder:  # as Spack does
            os.chdir(folder)
            recipe.test_train()
            os.chdir("/")


TEXT = ("name", "version", "easyblock", "homepage", "description", "moduleclass")


def easybuild(path, tree=None):
    names = {"SYSTEM": {"name": "system", "version": "system"}, "SOURCE_TAR_GZ": "%(name)s-%(version)s.tar.gz", "SHLIB_EXT": "so"}
    given = set(names)
    exec(compile(open(path).read(), path, "exec"), names)
    for key in TEXT:
        check(isinstance(names.get(key), str) and names[key], f"{key} is missing")
    known = {*TEXT, "builddependencies", "dependencies", "sanity_check_commands", "sanity_check_paths", "sources", "toolchain", "toolchainopts"}
    for key in set(names) - given - known - {"__builtins__"}:
        check(False, f"unknown parameter {key}")
    toolchain = names["toolchain"]
    check(os.path.basename(path) == f"{names['name']}-{names['version']}-{toolchain['name']}-{toolchain['version']}.eb",
          "the file's name is not NAME-VERSION-TOOLCHAIN.eb")
    for one in names["builddependencies"] + names["dependencies"]:
        check(2 <= len(one) <= 4 and all(isinstance(word, str) for word in one[:3]), f"not a dependency: {one}")
    paths = names["sanity_check_paths"]
    check(set(paths) == {"files", "dirs"}, "sanity_check_paths wants files and dirs")
    if tree:
        for found, what in ((os.path.isfile, "files"), (os.path.isdir, "dirs")):
            for one in paths[what]:
                check(found(os.path.join(tree, one)), f"an installed oikos has no {one}")
        for command in names["sanity_check_commands"]:
            program, *arguments = command.split()
            Program(os.path.join(tree, "bin", program))(*arguments)


if __name__ == "__main__":
    {"spack": spack, "easybuild": easybuild}[sys.argv[1]](*[word for word in sys.argv[2:] if word])
    for words in problems:
        print(f"{sys.argv[2]}: {words}", file=sys.stderr)
    sys.exit(bool(problems))
