/* SPDX-License-Identifier: MIT */
#include "base/pulse.h"

oikos_status oikos_pulse_check(oikos_pulse *p, oikos_error *err) {
  oikos_pulse_beat(p);
  return oikos_pulse_stopped(p) ? oikos_fail(err, OIKOS_STOPPED, "stopped on request") : OIKOS_OK;
}
