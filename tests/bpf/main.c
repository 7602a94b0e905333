/* SPDX-License-Identifier: BSD-2-Clause */
/* packets [NAME...]: runs all rows, or those named. `packets -l` lists them. */
#include <stdio.h>
#include <string.h>

#include <bpf/libbpf.h>

#include "rows.h"

static const struct row *const tables[] = { forward_rows, edge_rows, state_rows, icmp_rows, table_rows, more_rows };

static bool wanted(const char *name, int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (!strcmp(argv[i], name))
			return true;
	return argc < 2;
}

static int list(void)
{
	for (unsigned int t = 0; t < sizeof(tables) / sizeof(*tables); t++)
		for (const struct row *r = tables[t]; r->name; r++)
			puts(r->name);
	return 0;
}

static int run(struct lab *lab, int argc, char **argv)
{
	int passed = 0, failed = 0;

	for (unsigned int t = 0; t < sizeof(tables) / sizeof(*tables); t++) {
		for (const struct row *r = tables[t]; r->name; r++) {
			if (!wanted(r->name, argc, argv))
				continue;
			if (row_run(lab, r))
				passed++;
			else
				failed++;
		}
	}
	printf("%d passed, %d failed, 0 skipped\n", passed, failed);
	return failed || !passed;
}

int main(int argc, char **argv)
{
	static struct lab lab;
	int err;

	if (argc == 2 && !strcmp(argv[1], "-l"))
		return list();
	err = net_make(&lab);
	if (!err)
		err = lab_open(&lab);
	if (err) {
		fprintf(stderr, "packets: cannot set up (is this root?): %s\n", strerror(-err));
		return 1;
	}
	err = run(&lab, argc, argv);
	lab_close(&lab);
	return err;
}
