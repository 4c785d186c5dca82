/* SPDX-License-Identifier: Apache-2.0 */
/* The policy of the whole system for cryptography, of the RHEL family: update-crypto-policies(8). */
#include "host/table.h"

enum { CONFIGURED, CURRENT };

static const struct column columns[] = {
	[CONFIGURED] = {"configured", TYPE_STRING,
					"What /etc/crypto-policies/config says: DEFAULT, FUTURE:NO-SHA1", COLUMN_LABEL},
	[CURRENT] = {"current", TYPE_STRING, "What was applied last, and so is in force", 0},
	{0},
};

/* The first line that is no comment. */
static struct str first_word(struct str text)
{
	struct str line, word;

	while (str_line(&text, &line))
		if (!str_starts(str_trim(line), "#") && str_word(&line, &word))
			return word;
	return STR_ABSENT;
}

static void set_word(struct host *host, struct rows *rows, struct row *row, int column,
					 const char *path)
{
	struct err err = {0};
	struct str text;
	int r = host_read(host, path, rows->arena, &text, &err);

	if (r == 0)
		row_str(row, column, first_word(text));
	else
		row_unknown(row, column, arena_strdup(rows->arena, err.msg));
	row_from(row, column, FROM(arena_strdup(rows->arena, path), 0));
}

static int read_crypto_policy(struct host *host, struct rows *rows, struct err *err)
{
	static const char path[] = "/etc/crypto-policies/config";
	struct path_stat st;
	struct row *row;
	int r = host_stat(host, path, true, &st, err);

	if (r < 0)
		return r == -ENOENT || r == -ENOTDIR ? 0 : r;
	row = rows_add(rows, FROM(path, 0));
	set_word(host, rows, row, CONFIGURED, path);
	set_word(host, rows, row, CURRENT, "/etc/crypto-policies/state/current");
	return 0;
}

static const struct table crypto_policy = {
	.name = "crypto_policy",
	.doc =
		"The cryptographic policy of the system, where update-crypto-policies(8) sets one: one row",
	.columns = columns,
	.read = read_crypto_policy,
};
TABLE(crypto_policy);
