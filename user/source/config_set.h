/* SPDX-License-Identifier: BSD-2-Clause */
/* Single keys of a service or a backend, given by a command as words; the tables of the file judge them. */
#pragma once

#include "user/base/err.h"
#include "user/mesh/spec.h"

/** key: a scalar key of a service, or health.KEY. object: stands in messages. 0 or -EINVAL, *s unchanged. */
int xm_config_set_service(const char *object, struct xm_service_spec *s, const char *key, const char *value,
			  struct xm_err *e);

/** key: a key of a backend. 0 or -EINVAL, *b unchanged. */
int xm_config_set_backend(const char *object, struct xm_backend_spec *b, const char *key, const char *value,
			  struct xm_err *e);

/** Is this a required key of a service? For those who add one without a file. */
const char *xm_config_service_required(int i);
