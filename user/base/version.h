/* SPDX-License-Identifier: BSD-2-Clause */
/* The version of the whole product: command, daemon and exporter are built and installed together. */
#pragma once

#define XM_VERSION "0.1.0"
