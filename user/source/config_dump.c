/* SPDX-License-Identifier: BSD-2-Clause */
/* A specification as YAML: what the parser takes, every default written out, in the order of the file's tables. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

#include "config.h"
#include "config_int.h"
#include "user/base/addr.h"

/** Names are quoted: "-" or "1.5" would not be the same text to every reader of YAML. */
static void dump_name(FILE *f, const char *lead, const char *word, const char *name)
{
	if (name[0])
		fprintf(f, "%s%s: \"%s\"", lead, word, name);
}

static void dump_devices(FILE *f, const struct xm_spec *s)
{
	if (!s->devices_n)
		return;
	fputs("devices:\n", f);
	for (size_t i = 0; i < s->devices_n; i++)
		fprintf(f, "  - { name: \"%s\", mode: %s }\n", s->devices[i].name,
			xm_word_of(xm_mode_words, s->devices[i].mode));
}

static void dump_node(FILE *f, const struct xm_spec *s)
{
	if (!s->node[0] && !s->zone[0])
		return;
	fputs("node: {", f);
	dump_name(f, " ", "name", s->node);
	dump_name(f, s->node[0] ? ", " : " ", "zone", s->zone);
	fputs(" }\n", f);
}

static void dump_health(FILE *f, const struct xm_check_spec *c)
{
	char interval[XM_CFG_MS_TEXT], timeout[XM_CFG_MS_TEXT];

	if (c->type == XM_CHECK_NONE)
		return;
	fprintf(f, "    health: { type: %s, interval: %s, timeout: %s, fall: %u, rise: %u, jitter: %u%% }\n",
		xm_word_of(xm_check_words, c->type), xm_cfg_ms_text(c->interval, interval),
		xm_cfg_ms_text(c->timeout, timeout), c->fall, c->rise, c->jitter);
}

static void dump_backends(FILE *f, const struct xm_service_spec *s)
{
	char addr[XM_ADDR_TEXT];

	fputs(s->backends_n ? "    backends:\n" : "    backends: []\n", f);
	for (size_t i = 0; i < s->backends_n; i++) {
		const struct xm_backend_spec *b = &s->backends[i];

		fprintf(f, "      - { address: %s, port: %u, weight: %u, priority: %u", xm_addr_text(b->addr, addr),
			ntohs(b->port), b->weight, b->priority);
		dump_name(f, ", ", "zone", b->zone);
		fputs(" }\n", f);
	}
}

static void dump_service(FILE *f, const struct xm_service_spec *s)
{
	char addr[XM_ADDR_TEXT];

	dump_name(f, "  - ", "name", s->name);
	fprintf(f, "\n    vip: %s\n    port: %u\n", xm_addr_text(s->vip, addr), ntohs(s->port));
	fprintf(f, "    protocol: %s\n", xm_word_of(xm_protocol_words, s->proto));
	fprintf(f, "    forward: %s\n", xm_word_of(xm_forward_words, s->forward));
	fprintf(f, "    balance: %s\n", xm_word_of(xm_balance_words, s->balance));
	fprintf(f, "    on-no-backend: %s\n", xm_word_of(xm_on_none_words, s->on_none));
	fprintf(f, "    on-down: %s\n", xm_word_of(xm_on_down_words, s->on_down));
	fprintf(f, "    track: %s\n", xm_word_of(xm_track_words, s->track));
	dump_health(f, &s->check);
	dump_backends(f, s);
}

char *xm_config_dump(const struct xm_spec *s)
{
	char *text = NULL;
	size_t len;
	bool failed;
	FILE *f = open_memstream(&text, &len);

	if (!f)
		return NULL;
	dump_devices(f, s);
	dump_node(f, s);
	fprintf(f, "limits: { flows: %u, services: %u, backends: %u }\n", s->limit_flows, s->limit_services,
		s->limit_backends);
	fputs(s->services_n ? "services:\n" : "services: []\n", f);
	for (size_t i = 0; i < s->services_n; i++)
		dump_service(f, &s->services[i]);
	failed = ferror(f);
	if (fclose(f) || failed) {
		free(text);
		return NULL;
	}
	return text;
}
