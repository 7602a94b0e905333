/* SPDX-License-Identifier: BSD-2-Clause */
/* Parameters of a method against its table, before the method runs: nothing is ignored, nothing is taken for something else. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "control.h"

static const char *const kind_words[] = {
	[XM_PARAM_TEXT] = "a string",
	[XM_PARAM_NUMBER] = "a whole number",
	[XM_PARAM_OBJECT] = "an object",
};

static bool is_kind(const json_t *value, enum xm_param_kind kind)
{
	switch (kind) {
	case XM_PARAM_TEXT:
		return json_is_string(value);
	case XM_PARAM_NUMBER:
		return json_is_integer(value);
	case XM_PARAM_OBJECT:
		return json_is_object(value);
	}
	return false;
}

static const struct xm_param *param_of(const struct xm_method *m, const char *key)
{
	for (int i = 0; i < XM_PARAMS_MAX && m->params[i].name; i++)
		if (!strcmp(m->params[i].name, key))
			return &m->params[i];
	return NULL;
}

static int unknown(const struct xm_method *m, const char *key, struct xm_err *e)
{
	char list[128] = "none";
	size_t n = 0;

	for (int i = 0; i < XM_PARAMS_MAX && m->params[i].name && n < sizeof(list); i++)
		n += snprintf(list + n, sizeof(list) - n, "%s%s", n ? " | " : "", m->params[i].name);
	return xm_fail_value(e, EINVAL, "params", key, list, "is unknown");
}

int xm_params_check(const struct xm_method *m, const json_t *params, struct xm_err *e)
{
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)params, key, value) {
		const struct xm_param *p = param_of(m, key);

		if (!p)
			return unknown(m, key, e);
		if (!is_kind(value, p->kind))
			return xm_fail_value(e, EINVAL, key, NULL, kind_words[p->kind], "has a value of another kind");
	}
	for (int i = 0; i < XM_PARAMS_MAX && m->params[i].name; i++)
		if (m->params[i].required && !json_object_get(params, m->params[i].name))
			return xm_fail_value(e, EINVAL, m->params[i].name, NULL, kind_words[m->params[i].kind],
					     "is missing");
	return 0;
}
