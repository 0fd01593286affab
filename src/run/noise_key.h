/* SPDX-License-Identifier: MIT */
#ifndef OIKOS_RUN_NOISE_KEY_H
#define OIKOS_RUN_NOISE_KEY_H

#include "run/trainer_impl.h"

/** With privacy.noise: the noise's key into the weights, the same on all ranks. That of
 * RUN/privacy.key if it is there (it must be the owner's alone), else a new one from the operating
 * system, which is kept there with mode 0600. It is in no checkpoint. Collective. */
oikos_status oikos_noise_key_begin(oikos_trainer *t, bool resume, oikos_error *err);

#endif
