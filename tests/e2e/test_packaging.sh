#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The recipes of tools/packaging, without root and network: the checks pass, each kind of mistake fails them, and what they
# say of an installation holds of one; the Debian package's own tests run on it.
set -euo pipefail
source "$(dirname "$0")/common.sh"
[[ -z ${OIKOS_SANITIZED:-} ]] || skip "what is installed is built with sanitizers, the programs that use it are not"
command -v python3 >/dev/null || skip "python3 is not here"
command -v dpkg-gencontrol >/dev/null || skip "dpkg-dev is not here"

cmake --install "$(dirname "$OIKOS")" --prefix "$WORK/tree" >/dev/null
mkdir copy
cp "$SOURCE"/CMakeLists.txt copy
cp -r "$SOURCE/tools" copy
check() { OIKOS_TREE=${tree:-} launch copy/tools/packaging/check "$@"; }

tree=$WORK/tree check
check_status "the recipes" 0
check_match "the recipes" '^tools/packaging/check: good$' "$log.out"

# mistake WHAT REGEX FILE SED-SCRIPT CHECK: the check finds what the script does to the file.
mistake() {
  sed -i.right "$4" "copy/$3"
  ! cmp -s "copy/$3" "copy/$3.right" || fail "$1: nothing was changed"
  tree=$WORK/tree check "$5"
  check_status "$1" 1
  cat "$log.err" >>"$log.out"
  check_match "$1" "$2" "$log.out"
  mv "copy/$3.right" "copy/$3"
}
recipes=tools/packaging
eb=$recipes/$(basename "$SOURCE"/tools/packaging/oikos-*.eb)
mistake "another version" 'changelog does not begin with 0\.9\.7' CMakeLists.txt 's/VERSION [0-9.]*/VERSION 0.9.7/' versions
mistake "a new dependency" 'libnew-dev has no name in Spack' tools/setup 's/libyaml-dev/libyaml-dev libnew-dev/' dependencies
mistake "a dependency forgotten" 'debian/control lacks libspng-dev' $recipes/debian/control '/^ \+libspng-dev/d' dependencies
mistake "a broken control" 'dpkg cannot read debian/' $recipes/debian/control 's/^Package: oikos/Package oikos/' debian
mistake "a spec that is none" 'not a spec: hdf5 with mpi' $recipes/spack/packages/oikos/package.py 's/hdf5@1.10:+mpi/hdf5 with mpi/' spack
mistake "an option that is none" 'no option -DOIKOS_FASTER=OFF' $recipes/spack/packages/oikos/package.py 's/"OIKOS_NATIVE"/"OIKOS_FASTER"/' spack
mistake "a file that is not installed" 'installed oikos has no lib/libother.so' "$eb" 's,lib/liboikos\.,lib/libother.,' easybuild
mistake "an unknown parameter" 'unknown parameter optoins' "$eb" 's/^sources/optoins = 1\nsources/' easybuild
mistake "an unknown section" 'unknown section %install' $recipes/oikos.def 's/^%runscript/%install/' apptainer
mistake "a script that is none" '%post of final is no script' $recipes/oikos.def 's/rm -rf .srv/if \&/' apptainer
for name in check place; do
  launch copy/tools/packaging/$name nonsense
  check_status "$name nonsense" 2
  check_match "$name nonsense" 'unknown nonsense; usage: ' "$log.err"
done

if [[ $(id -u) = 0 ]]; then
  chmod -R a+rX "$WORK"
  launch setpriv --reuid=65534 --regid=65534 --clear-groups copy/tools/packaging/place
  check_status "place, not root" 2
  check_match "place, not root" 'by root only; run it as root' "$log.err"
fi

# debian/tests, on what was installed here; they start ranks as Open MPI does.
libdir=$(dirname "$(dirname "$(find "$WORK/tree" -name oikos.pc)")")
[[ $launcher == ompi* ]] && tests=(train train-from-c) || tests=()
for name in "${tests[@]}"; do
  mkdir "$name"
  launch env PATH="$WORK/tree/bin:$PATH" PKG_CONFIG_PATH="$libdir/pkgconfig:${PKG_CONFIG_PATH:-}" LD_LIBRARY_PATH="$libdir" \
    AUTOPKGTEST_TMP="$WORK/$name" "$SOURCE/tools/packaging/debian/tests/$name"
  check_status "debian/tests/$name" 0
done

# The archive that they all build from has the tree, and unpacked it makes the same archive.
if git -C "$SOURCE" rev-parse >/dev/null 2>&1; then
  "$SOURCE/tools/packaging/source" .
  tar -xzf oikos-*.tar.gz
  unpacked=$(echo oikos-*/)
  for name in CMakeLists.txt src/cli/main.c tools/packaging/debian/rules; do
    [[ -e $unpacked$name ]] || fail "the archive lacks $name"
  done
  mkdir again
  "$unpacked/tools/packaging/source" again
  check_equal "what is in the archive's archive" "$(tar -tzf oikos-*.tar.gz | sort)" "$(tar -tzf again/oikos-*.tar.gz | sort)"

  # Installed as debian/rules says, the pages' links lead somewhere; without one of them they do not.
  doc=debian/oikos/usr/share/doc/oikos
  cd "$unpacked"
  cp -r tools/packaging/debian .
  make -s -f debian/rules execute_after_dh_installchangelogs
  while read -r to link; do
    ln -s "$(basename "$to")" "debian/oikos/$link"
  done <debian/oikos.links
  cp debian/copyright $doc
  launch debian/tests/pages $doc
  check_status "the installed pages" 0
  rm $doc/jobs/README.md
  launch debian/tests/pages $doc
  check_status "the installed pages, one of them gone" 1
  check_match "the installed pages, one of them gone" 'README\.md: the link jobs/README\.md leads nowhere' "$log.out"
  cd ..
fi

# What the README of the recipes says of this tree's own tools is so.
while read -r name; do
  [[ -x $SOURCE/$name ]] || fail "tools/packaging/README.md names $name, which is not there"
done < <(grep -oP "tools/packaging/[a-z]+(?![-.a-z/])" "$SOURCE/tools/packaging/README.md" | grep -v /spack$ | sort -u)
finish
