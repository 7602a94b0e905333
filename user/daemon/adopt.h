/* SPDX-License-Identifier: BSD-2-Clause */
/* What a daemon does with maps that another one left: nothing that packets could notice, but for what was left unfinished. */
#pragma once

#include "live.h"

/**
 * Takes out keys that name nothing live, which a daemon killed during an apply may leave, and says how far that apply came. The
 * apply of what is wanted, which follows, does the rest.
 */
void xm_adopt(struct xm_live *l);
