/* SPDX-License-Identifier: BSD-2-Clause */
/* Output: one JSON document, printed as it is or turned into text. The text shows nothing that the document lacks. */
#pragma once

#include "cli.h"

enum xm_cell_form {
	XM_FORM_TEXT,	  /* left; lists joined by commas */
	XM_FORM_NUMBER,	  /* right */
	XM_FORM_PERCENT,  /* right; a fraction of 1 */
	XM_FORM_ENDPOINT, /* left; an address, with the row's "port" */
	XM_FORM_TIME,	  /* left; seconds since 1970, in UTC */
	XM_FORM_COUNT,	  /* right; how many elements a list has */
};

struct xm_column {
	const char *title;
	const char *key;
	enum xm_cell_form form;
};

/** Aligned columns under a header; what a row lacks is "-". A NULL title ends the columns. */
void xm_table_write(FILE *f, const json_t *rows, const struct xm_column *columns);

/** What a table shows of one value. Returns buf. */
const char *xm_cell_text(const json_t *row, const struct xm_column *column, char *buf, size_t size);

/** Turns a document into text. */
typedef void xm_text(FILE *f, const json_t *doc);

/** Prints a document, which it takes over; NULL is want of memory. Returns enum xm_exit. */
int xm_print(struct xm_cli *c, json_t *doc, xm_text *text);

/** Prints c->e: a line on stderr, or a document. */
void xm_print_error(struct xm_cli *c);
