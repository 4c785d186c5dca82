/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Peers of WireGuard interfaces, from wg-quick's files and systemd-networkd's. Keys are never kept:
 * only whether there is one.
 */
#include "base/buf.h"
#include "host/edit.h"
#include "host/glob.h"
#include "host/passwd.h"
#include "host/table.h"

enum {
	FILE_,
	MODE,
	OWNER,
	PEER,
	INLINE_KEY,
	LISTENS,
	ALLOWED,
	EVERYTHING,
	ENDPOINT,
	PRESHARED,
	COMMANDS
};

static const struct column columns[] = {
	[FILE_] = {"file", TYPE_STRING, "The configuration", COLUMN_LABEL},
	[MODE] = {"mode", TYPE_MODE, "Its permission bits", COLUMN_SETTABLE},
	[OWNER] = {"owner", TYPE_STRING, "Who owns it", 0},
	[PEER] = {"peer", TYPE_INT, "Which peer of it, from 1; absent: the interface itself",
			  COLUMN_LABEL},
	[INLINE_KEY] = {"inline_key", TYPE_BOOL, "Does a private or preshared key stand in the file?",
					0},
	[LISTENS] = {"listens", TYPE_BOOL,
				 "Does the interface have a port of its own, for others to reach?", 0},
	[ALLOWED] = {"allowed_ips", TYPE_LIST, "Of a peer: from which addresses it may send", 0},
	[EVERYTHING] = {"allowed_everything", TYPE_BOOL, "Is that every address of a family?", 0},
	[ENDPOINT] = {"endpoint", TYPE_BOOL,
				  "Of a peer: is it reached at an address that is written there?", 0},
	[PRESHARED] = {"preshared_key", TYPE_BOOL, "Of a peer: is there a preshared key, too?", 0},
	[COMMANDS] = {"commands", TYPE_BOOL, "Are commands run as root with it (PostUp and the like)?",
				  0},
	{0},
};

static const char *const keys[] = {"PrivateKey", "PresharedKey", NULL};

/* The lines without their keys. */
static void without_keys(struct str text, struct buf *out)
{
	struct str line, key;

	while (str_line(&text, &line)) {
		struct str rest = line;

		if (str_cut(&rest, '=', &key) && str_is_one_of_nocase(str_trim(key), keys))
			buf_printf(out, "%.*s=***\n", STR_ARG(key));
		else {
			buf_str(out, line);
			buf_putc(out, '\n');
		}
	}
}

struct reader {
	struct host *host;
	struct rows *rows;
	struct passwd_db users;
	bool has_users;
	const char *path;
	struct path_stat st;
};

static struct row *add_row(struct reader *r, unsigned line)
{
	struct row *row = rows_add(r->rows, FROM(r->path, line));

	row_strz(row, FILE_, r->path);
	row_int(row, MODE, r->st.mode & 07777);
	if (r->has_users)
		row_str(row, OWNER, passwd_user_name(&r->users, r->st.uid, r->rows->arena));
	else
		row_unknown(row, OWNER, "/etc/passwd or /etc/group could not be read");
	row_bool(row, INLINE_KEY, false);
	return row;
}

/* Adds to what an earlier line of the peer said. */
static void add_allowed(struct reader *r, struct row *row, struct str value)
{
	struct value *old = &row->cells[ALLOWED];
	size_t n = old->state == VALUE_SET ? old->list.n : 0, cap = n + 1;
	struct str *items, one;

	for (size_t i = 0; i < value.n; i++)
		cap += value.p[i] == ',' || value.p[i] == ' ';
	items = arena_new(r->rows->arena, struct str, cap + 1);
	for (size_t i = 0; i < n; i++)
		items[i] = old->list.items[i];
	while (str_cut(&value, ',', &one)) {
		one = str_trim(one);
		if (!one.n || n == cap)
			continue;
		items[n++] = one;
		if (str_ends(one, "/0"))
			row_bool(row, EVERYTHING, true);
	}
	row_list(row, ALLOWED, items, n);
}

static void read_peer(struct reader *r, struct row *row, struct str key, struct str value)
{
	if (str_is_nocase(key, "AllowedIPs"))
		add_allowed(r, row, value);
	else if (str_is_nocase(key, "Endpoint"))
		row_bool(row, ENDPOINT, true);
	else if (str_is_nocase(key, "PresharedKey") || str_is_nocase(key, "PresharedKeyFile"))
		row_bool(row, PRESHARED, true);
}

static void read_interface(struct row *row, struct str key)
{
	static const char *const commands[] = {"PreUp", "PostUp", "PreDown", "PostDown", NULL};

	if (str_is_nocase(key, "ListenPort"))
		row_bool(row, LISTENS, true);
	if (str_is_one_of_nocase(key, commands))
		row_bool(row, COMMANDS, true);
}

static struct row *add_peer(struct reader *r, const struct row *interface, unsigned line,
							int64_t number)
{
	struct row *row = add_row(r, line);

	row_int(row, PEER, number);
	row_bool(row, LISTENS, interface->cells[LISTENS].number);
	row_bool(row, EVERYTHING, false);
	row_bool(row, ENDPOINT, false);
	row_bool(row, PRESHARED, false);
	return row;
}

/* [Interface] and [Peer] of wg-quick, [WireGuard] and [WireGuardPeer] of systemd-networkd. The
 * interface stands in front of its peers. */
static void read_text(struct reader *r, struct str text)
{
	struct row *interface = add_row(r, 0), *peer = NULL;
	struct str line, key;
	unsigned number = 0;
	int64_t peers = 0;

	row_bool(interface, LISTENS, false);
	row_bool(interface, COMMANDS, false);
	while (str_line(&text, &line)) {
		number++;
		line = str_trim(line);
		if (!line.n || line.p[0] == '#' || line.p[0] == ';')
			continue;
		if (str_is_nocase(line, "[Peer]") || str_is_nocase(line, "[WireGuardPeer]")) {
			peer = add_peer(r, interface, number, ++peers);
			continue;
		}
		if (str_starts(line, "["))
			peer = NULL;
		if (!str_cut(&line, '=', &key))
			continue;
		key = str_trim(key);
		if (str_is_one_of_nocase(key, keys))
			row_bool(interface, INLINE_KEY, true);
		if (peer)
			read_peer(r, peer, key, str_trim(line));
		else
			read_interface(interface, key);
	}
}

static void read_file(struct reader *r, const char *path)
{
	struct err err = {0};
	struct str text;
	int e = host_stat(r->host, path, true, &r->st, &err);

	r->path = path;
	if (e == 0)
		e = host_read_scrubbed(r->host, path, without_keys, r->rows->arena, &text, &err);
	if (e < 0)
		rows_gap(r->rows, "%s", err.msg);
	/* A .netdev may be of another kind. */
	else if (str_ends(str_of(path), ".conf") || str_has(text, "[WireGuard]"))
		read_text(r, text);
}

static int read_wireguard(struct host *host, struct rows *rows, struct err *err _unused_)
{
	static const char *const patterns[] = {"/etc/wireguard/*.conf",
										   "/etc/systemd/network/*.netdev"};
	struct reader r = {.host = host, .rows = rows};
	struct err ignored = {0};

	r.has_users = passwd_read(host, rows->arena, &r.users, &ignored) == 0;
	for (size_t i = 0; i < ARRAY_LEN(patterns); i++) {
		struct err failed = {0};
		struct str *paths;
		size_t n = 0;

		if (host_glob(host, rows->arena, str_of(patterns[i]), &paths, &n, &failed) < 0)
			rows_gap(rows, "%s", failed.msg);
		for (size_t k = 0; k < n; k++)
			read_file(&r, paths[k].p);
	}
	return 0;
}

static int set_wireguard(struct host *host _unused_, const struct wish *wish, struct edits *edits,
						 struct err *err)
{
	if (!wish->row || wish->column != MODE)
		return err_set(err, ENOTSUP, "tunnels are not configured");
	edit_attribute(edits, str_dup(edits->arena, wish->row->cells[FILE_].string), "mode",
				   edit_text(edits, wish, ","));
	return 0;
}

static const struct table wireguard = {
	.name = "wireguard",
	.doc = "WireGuard interfaces and their peers, from /etc/wireguard and systemd-networkd, "
		   "without keys",
	.columns = columns,
	.read = read_wireguard,
	.set = set_wireguard,
	.fix = "chmod {file}",
};
TABLE(wireguard);
