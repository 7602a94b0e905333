/* SPDX-License-Identifier: BSD-2-Clause */
/* All nouns. Those whose verbs stand here are not built yet: known, so that nobody takes them for misspelt. */
#include "cli.h"

static const struct xm_verb plan_verbs[] = {
	{ "fail", NULL, "BACKEND ...", "what would move if these backends failed" },
	{ "", NULL, "FILE", "what an apply of FILE would change" },
	{ NULL, NULL, NULL, NULL },
};

static const struct xm_verb event_verbs[] = {
	{ "monitor", NULL, "", "events as they come" },
	{ NULL, NULL, NULL, NULL },
};

static const struct xm_verb batch_verbs[] = {
	{ "show", NULL, "", "how events are batched" },
	{ "last", NULL, "", "the last batch" },
	{ NULL, NULL, NULL, NULL },
};

static const struct xm_verb access_verbs[] = {
	{ "show", NULL, "[SERVICE]", "who may talk to a service" },
	{ "set", NULL, "SERVICE key value ...", "change who may" },
	{ NULL, NULL, NULL, NULL },
};

static const struct xm_verb source_verbs[] = {
	{ "show", NULL, "", "where services come from" },
	{ NULL, NULL, NULL, NULL },
};

static const struct xm_verb capture_verbs[] = {
	{ "", NULL, "[FILTER] [-w FILE]", "packets as the data path sees them" },
	{ NULL, NULL, NULL, NULL },
};

static const struct xm_verb doctor_verbs[] = {
	{ "", NULL, "", "what is wrong with this machine's set-up" },
	{ NULL, NULL, NULL, NULL },
};

static const struct xm_verb top_verbs[] = {
	{ "", NULL, "", "figures that move" },
	{ NULL, NULL, NULL, NULL },
};

const struct xm_noun xm_nouns[] = {
	{ "net", xm_net_verbs, "the program on network devices" },
	{ "service", xm_service_verbs, "services: a virtual address, a port, a protocol" },
	{ "backend", xm_backend_verbs, "backends of services" },
	{ "health", xm_health_verbs, "states of backends and their checks" },
	{ "flow", xm_flow_verbs, "the flow table" },
	{ "stats", xm_stats_verbs, "counters" },
	{ "config", xm_config_verbs, "the configuration" },
	{ "why", xm_why_verbs, "what a packet would meet, and why a backend is in its state" },
	{ "plan", plan_verbs, "what a change would do" },
	{ "event", event_verbs, "events of flows and backends" },
	{ "batch", batch_verbs, "batches of events" },
	{ "access", access_verbs, "access rules" },
	{ "source", source_verbs, "sources of services" },
	{ "capture", capture_verbs, "packets" },
	{ "doctor", doctor_verbs, "checks of the set-up" },
	{ "top", top_verbs, "a live view" },
	{ "version", xm_version_verbs, "versions of command, data plane and daemon" },
	{ NULL, NULL, NULL },
};
