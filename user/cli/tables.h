/* SPDX-License-Identifier: BSD-2-Clause */
/* Tables that several nouns print. */
#pragma once

#include "out.h"

/** Backends with their service in front; from the second column on: those of one service. */
extern const struct xm_column xm_backends_columns[];
