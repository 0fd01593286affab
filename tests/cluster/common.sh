# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# What the cluster scripts share: all of e2e/common.sh, and that they are asked for by name.
source "$(dirname "${BASH_SOURCE[0]}")/../e2e/common.sh"
[[ ${OIKOS_CLUSTER:-} == 1 ]] || skip "OIKOS_CLUSTER is not 1 (tools/test --cluster sets it)"
