/* SPDX-License-Identifier: Apache-2.0 */
/* The keys by which this host shows who it is: the public halves in /etc/ssh. */
#include "host/glob.h"
#include "host/ssh_key.h"
#include "host/table.h"

enum { FILE_, TYPE, BITS, FINGERPRINT };

static const struct column columns[] = {
	[FILE_] = {"file", TYPE_STRING, "The public key", COLUMN_KEY | COLUMN_LABEL},
	[TYPE] = {"type", TYPE_STRING, "ssh-ed25519, ssh-rsa, ...", COLUMN_LABEL},
	[BITS] = {"bits", TYPE_INT, "Length of the key as ssh-keygen -l prints it", 0},
	[FINGERPRINT] = {"fingerprint", TYPE_STRING, "SHA256:... as ssh-keygen -l prints it", 0},
	{0},
};

static void add_key(struct host *host, struct rows *rows, struct str path)
{
	struct row *row = rows_add(rows, FROM(path.p, 0));
	struct ssh_key_line key;
	struct err err = {0};
	struct str text, line = STR("");
	const char *why = "not a public key";
	int r = host_read(host, path.p, rows->arena, &text, &err);

	row_str(row, FILE_, path);
	if (r < 0)
		why = arena_strdup(rows->arena, err.msg);
	else
		str_line(&text, &line);
	if (r < 0 || !ssh_key_line_parse(rows->arena, line, &key)) {
		row_unknown(row, TYPE, why);
		row_unknown(row, BITS, why);
		row_unknown(row, FINGERPRINT, why);
		return;
	}
	row_strz(row, TYPE, key.key.type);
	row_int(row, BITS, key.key.bits);
	row_strz(row, FINGERPRINT, key.key.fingerprint);
}

static int read_host_keys(struct host *host, struct rows *rows, struct err *err)
{
	struct str *paths;
	size_t n = 0;
	int r = host_glob(host, rows->arena, STR("/etc/ssh/ssh_host_*_key.pub"), &paths, &n, err);

	for (size_t i = 0; r == 0 && i < n; i++)
		add_key(host, rows, paths[i]);
	return r;
}

static const struct table host_keys = {
	.name = "host_keys",
	.doc = "Host keys of sshd: the public halves in /etc/ssh",
	.columns = columns,
	.read = read_host_keys,
};
TABLE(host_keys);
