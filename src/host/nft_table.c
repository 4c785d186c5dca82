/* SPDX-License-Identifier: Apache-2.0 */
#include "host/nft_table.h"

#include "host/nft_text.h"
#include "host/unitfile.h"

#define SERVICE "nftables.service"
#define OWN_DIR "/etc/nftables.d"

/* What nftables.service loads: on Debian and Arch, and on the RHEL family. */
static const char *const configurations[] = {"/etc/nftables.conf", "/etc/sysconfig/nftables.conf"};

/* Does it load no rule, like Debian's with its three empty chains? Else the rules in it would come into
 * force with the next boot, which nobody may have tried. */
static bool is_bare(struct str text)
{
	static const char *const nothing[] = {"#", "flush ruleset", "table ", "chain ", "}"};
	struct str line;

	while (str_line(&text, &line)) {
		bool bare = !str_trim(line).n;

		for (size_t i = 0; i < ARRAY_LEN(nothing); i++)
			bare = bare || str_starts(str_trim(line), nothing[i]);
		if (!bare && (!str_starts(str_trim(line), "type ") || str_has(line, "drop")))
			return false;
	}
	return true;
}

static int find_configuration(struct host *host, struct arena *a, const char **ret_path,
							  struct str *ret_text, struct err *err)
{
	int r = -ENOENT;

	for (size_t i = 0; i < ARRAY_LEN(configurations) && r == -ENOENT; i++) {
		*ret_path = configurations[i];
		r = host_read(host, configurations[i], a, ret_text, err);
	}
	return r == -ENOENT
			   ? err_set(err, ENOTSUP,
						 "there is no %s, so nothing loads rules at boot: install nftables",
						 configurations[0])
			   : r;
}

static int edit_service(struct host *host, struct edits *edits, const char *path, struct str text,
						struct err *err)
{
	const char *only[] = {SERVICE, NULL};
	const struct unit_file *unit;
	struct unit_files files;

	unitfiles_read(host, edits->arena, only, &files);
	unit = unitfiles_find(&files, STR(SERVICE));
	if (files.gap || !unit || unit->unread || unit->masked)
		return err_set(err, ENOTSUP, "%s",
					   files.gap              ? files.gap
					   : unit && unit->masked ? SERVICE " is masked, so nothing "
														"loads rules at boot"
											  : "there is no " SERVICE
												" that would load rules at boot");
	if (unitfile_starts(unit))
		return 0;
	if (!is_bare(text))
		return err_set(
			err, ENOTSUP,
			"%s has rules that are not loaded at boot today, and would be with these: see "
			"that they are meant, then systemctl enable " SERVICE,
			path);
	/* Not started: that would flush what others have loaded since. */
	edit_state(edits, "unit", SERVICE, "enabled", str_of(unit->enabled), STR("enabled"));
	return 0;
}

static const char *own_file(struct arena *a, const char *table)
{
	return arena_printf(a, OWN_DIR "/%s.nft", strchr(table, ' ') + 1);
}

static const char *include_line(struct arena *a, const char *table)
{
	return arena_printf(a, "include \"%s\"", own_file(a, table));
}

static struct str own_content(struct arena *a, const char *table, struct str text)
{
	_cleanup_buf_ struct buf content = BUF(2 * NFT_TEXT_MAX);

	buf_printf(&content, "# Written by revet; see: revet history\ntable %s\ndelete table %s\n", table,
			   table);
	buf_str(&content, text);
	buf_putc(&content, '\n');
	return (struct str){arena_copy(a, content.p, content.n), content.n};
}

bool nft_table_file_is(struct str content, const char *table, struct str text)
{
	_cleanup_arena_ struct arena a = {0};

	return nft_text_is_same(content, own_content(&a, table, text));
}

int nft_table_edit(struct host *host, struct edits *edits, const char *table, struct str present,
				   struct str text, struct err *err)
{
	struct arena *a = edits->arena;
	const char *include = include_line(a, table), *path = NULL;
	struct str configuration = STR_ABSENT;
	int r = find_configuration(host, a, &path, &configuration, err);

	if (r == 0)
		r = edit_service(host, edits, path, configuration, err);
	if (r < 0)
		return r;
	edit_content(edits, own_file(a, table), own_content(a, table, text));
	edit_key(edits, path, EDIT_LINES, NULL, str_of(include), str_of(include));
	if (host_is_live(host))
		edit_state(edits, "nft", table, "ruleset", present, text);
	return 0;
}

static bool has_line(struct str text, const char *wanted)
{
	struct str line;

	while (str_line(&text, &line))
		if (str_is(str_trim(line), wanted))
			return true;
	return false;
}

int nft_table_at_boot(struct host *host, struct arena *a, const char *table, struct str text,
					  bool *ret, struct err *err)
{
	const char *only[] = {SERVICE, NULL}, *path;
	struct str configuration, content;
	struct unit_files files;
	int r = find_configuration(host, a, &path, &configuration, err);

	*ret = false;
	if (r == 0)
		r = host_read(host, own_file(a, table), a, &content, err);
	if (r < 0)
		return r == -ENOTSUP || r == -ENOENT ? 0 : r;
	unitfiles_read(host, a, only, &files);
	if (files.gap)
		return err_set(err, EIO, "%s", files.gap);
	*ret = unitfile_starts(unitfiles_find(&files, STR(SERVICE))) &&
		   has_line(configuration, include_line(a, table)) &&
		   nft_table_file_is(content, table, text);
	return 0;
}
