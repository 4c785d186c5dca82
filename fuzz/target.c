/* SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>

#include "host/table.h"

#define MAX_TARGETS 256
#define MAX_CASE ((size_t)32 << 10)

bool check_thoroughly = true;

void check_failed(const char *file, int line, const char *condition)
{
	fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, condition);
	abort();
}

/* What revet does when a cap on memory is reached. Every input is far too small for that. */
void _exit(int code)
{
	fprintf(stderr, "_exit(%d) was called\n", code);
	abort();
}

static size_t add_tables(struct target *to, size_t n)
{
	const struct table *const *tables;
	size_t n_tables = table_all(&tables);

	for (size_t i = 0; i < n_tables && n < MAX_TARGETS; i++) {
		char *seeds;

		check(asprintf(&seeds, "tests/tables/%s", tables[i]->name) > 0);
		to[n++] = (struct target){tables[i]->name, seeds, MAX_CASE, run_table, tables[i], true};
	}
	return n;
}

static size_t add(struct target *to, size_t n, const struct target *from)
{
	for (; from->name && n < MAX_TARGETS; from++)
		to[n++] = *from;
	return n;
}

size_t target_all(const struct target **ret)
{
	static struct target all[MAX_TARGETS];
	static size_t n;

	if (!n) {
		n = add(all, 0, direct_targets);
		n = add(all, n, spec_targets);
		n = add_tables(all, n);
	}
	*ret = all;
	return n;
}

const struct target *target_find(const char *name)
{
	const struct target *all;
	size_t n = target_all(&all);

	for (size_t i = 0; i < n; i++)
		if (strcmp(all[i].name, name) == 0)
			return &all[i];
	return NULL;
}
