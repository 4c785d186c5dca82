/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Directories that sssd takes accounts from, as sssd.conf and its drop-ins have them. Passwords for the
 * directory are left out.
 */
#include "base/buf.h"
#include "base/map.h"
#include "host/table.h"

enum { DOMAIN, PROVIDER, URIS, ENCRYPTED, REQCERT };

static const struct column columns[] = {
	[DOMAIN] = {"domain", TYPE_STRING, "Name of the domain", COLUMN_KEY | COLUMN_LABEL},
	[PROVIDER] = {"provider", TYPE_STRING, "id_provider: ldap, ipa, ad, ...", 0},
	[URIS] = {"uris", TYPE_STRING, "ldap_uri; absent: found by DNS", 0},
	[ENCRYPTED] = {"encrypted", TYPE_BOOL,
				   "Of ldap: is what accounts there are asked with TLS (ldaps://, ldapi://, or "
				   "ldap_id_use_start_tls)?",
				   0},
	[REQCERT] = {"reqcert", TYPE_STRING, "ldap_tls_reqcert; absent: demand, or what ldap.conf says",
				 0},
	{0},
};

static const char *const kept[] = {"id_provider", "ldap_uri", "ldap_id_use_start_tls",
								   "ldap_tls_reqcert"};

/* Sections, and the settings that are looked at. */
static void keep_settings(struct str text, struct buf *out)
{
	struct str line;

	while (str_line(&text, &line)) {
		struct str rest = str_trim(line), key;
		bool wanted = str_starts(rest, "[");

		if (!wanted && str_cut(&rest, '=', &key))
			for (size_t i = 0; i < ARRAY_LEN(kept); i++)
				wanted |= str_is(str_trim(key), kept[i]);
		if (wanted)
			buf_str(out, line);
		buf_putc(out, '\n');
	}
}

struct domain {
	struct str values[ARRAY_LEN(kept)];
};

/* All addresses have to be: of several any may be asked. */
static bool all_encrypted(struct str uris)
{
	struct str uri;
	bool any = false;

	while (str_cut(&uris, ',', &uri)) {
		uri = str_trim(uri);
		any = true;
		if (!str_starts(uri, "ldaps://") && !str_starts(uri, "ldapi://"))
			return false;
	}
	return any;
}

static void set_row(struct row *row, const struct domain *d)
{
	row_str(row, PROVIDER, d->values[0]);
	row_str(row, URIS, d->values[1]);
	row_bool(row, ENCRYPTED, str_is_nocase(d->values[2], "true") || all_encrypted(d->values[1]));
	row_str(row, REQCERT, d->values[3]);
}

/* The row of the section's domain; one that was read before goes on. NULL: it is of no domain. */
static struct row *find_row(struct rows *rows, struct map *seen, struct str section,
							struct from from)
{
	struct row *row;

	if (!str_skip(&section, "[domain/") || !str_ends(section, "]"))
		return NULL;
	section.n--;
	row = map_get(seen, section);
	if (row)
		return row;
	row = rows_add(rows, from);
	row_str(row, DOMAIN, section);
	map_put(seen, section, row);
	return row;
}

/* What the row has already, to which a later file adds. */
static struct domain domain_of(const struct row *row)
{
	struct domain d = {{row->cells[PROVIDER].string, row->cells[URIS].string, STR_ABSENT,
						row->cells[REQCERT].string}};

	for (size_t i = 0; i < ARRAY_LEN(kept); i++)
		if (i != 2 && row->cells[i == 0 ? PROVIDER : i == 1 ? URIS : REQCERT].state != VALUE_SET)
			d.values[i] = STR_ABSENT;
	if (row->cells[ENCRYPTED].state == VALUE_SET && row->cells[ENCRYPTED].number &&
		!all_encrypted(d.values[1]))
		d.values[2] = STR("true");
	return d;
}

static void read_text(struct rows *rows, struct map *seen, const char *path, struct str text)
{
	struct str line, key;
	struct row *row = NULL;
	struct domain d = {0};
	unsigned number = 0;

	while (str_line(&text, &line)) {
		number++;
		line = str_trim(line);
		if (str_starts(line, "[")) {
			if (row)
				set_row(row, &d);
			row = find_row(rows, seen, line, FROM(path, number));
			if (row)
				d = domain_of(row);
			continue;
		}
		if (!row || !str_cut(&line, '=', &key))
			continue;
		for (size_t i = 0; i < ARRAY_LEN(kept); i++)
			if (str_is(str_trim(key), kept[i]))
				d.values[i] = str_trim(line);
	}
	if (row)
		set_row(row, &d);
}

static int read_sssd(struct host *host, struct rows *rows, struct err *err)
{
	struct str text, *files;
	struct map seen;
	size_t n = 0;
	int r = host_read_scrubbed(host, "/etc/sssd/sssd.conf", keep_settings, rows->arena, &text, err);

	map_init(&seen, rows->arena);
	if (r < 0 && r != -ENOENT && r != -ENOTDIR)
		return r;
	if (r == 0)
		read_text(rows, &seen, "/etc/sssd/sssd.conf", text);
	if (host_list_files(host, "/etc/sssd/conf.d", ".conf", rows->arena, &files, &n, err) < 0)
		rows_gap(rows, "%s", err->msg);
	for (size_t i = 0; i < n; i++) {
		if (host_read_scrubbed(host, files[i].p, keep_settings, rows->arena, &text, err) < 0)
			rows_gap(rows, "%s", err->msg);
		else
			read_text(rows, &seen, files[i].p, text);
	}
	return 0;
}

static const struct table sssd = {
	.name = "sssd",
	.doc = "Domains of /etc/sssd/sssd.conf and conf.d: how the directory is asked",
	.columns = columns,
	.read = read_sssd,
	.started =
		&(const struct started){
			.programs = STARTED("sssd"),
			.units = STARTED("sssd.service"),
			.usual = STARTED("-i", "-D", "--logger=*", "-d *", "-c /etc/sssd/sssd.conf"),
		},
};
TABLE(sssd);
