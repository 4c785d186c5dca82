/* SPDX-License-Identifier: Apache-2.0 */
#include "host/grub_edit.h"

#define DEFAULTS "/etc/default/grub"
#define MENU "/boot/grub/grub.cfg"

static int check_grub(struct host *host, struct str what, struct err *err)
{
	static const char *const needed[] = {"/usr/sbin/update-grub", MENU};
	struct path_stat st;
	struct err ignored;

	for (size_t i = 0; i < ARRAY_LEN(needed); i++)
		if (host_stat(host, needed[i], true, &st, &ignored) < 0)
			return err_set(err, ENOTSUP, "there is no %s: see to %.*s of the kernel by hand",
						   needed[i], STR_ARG(what));
	return 0;
}

static void make_menu(struct edits *edits)
{
	edit_state(edits, "grub", MENU, "menu", STR_ABSENT, STR_ABSENT);
}

int grub_add(struct host *host, struct edits *edits, struct str key, struct str value,
			 struct err *err)
{
	int r = check_grub(host, key, err);

	if (r < 0)
		return r;
	edit_key(edits, DEFAULTS ".d/99-revet.cfg", EDIT_GRUB, NULL, key, value);
	make_menu(edits);
	return 0;
}

static bool has_word(struct str text, struct str word)
{
	struct str line, piece;

	while (str_line(&text, &line)) {
		line = str_trim(line);
		if (!str_starts(line, "GRUB_CMDLINE_LINUX") || !str_cut(&line, '=', &piece))
			continue;
		while (str_word(&line, &piece)) {
			while (piece.n && strchr("\"'", piece.p[0]))
				piece.p++, piece.n--;
			while (piece.n && strchr("\"'", piece.p[piece.n - 1]))
				piece.n--;
			if (str_eq(piece, word))
				return true;
		}
	}
	return false;
}

int grub_take_out(struct host *host, struct edits *edits, struct str word, struct err *err)
{
	struct str *files, own = STR(DEFAULTS), text;
	size_t n = 0, found = 0;
	struct err ignored;
	int r = check_grub(host, word, err);

	if (r == 0)
		r = host_list_files(host, DEFAULTS ".d", ".cfg", edits->arena, &files, &n, err);
	for (size_t i = 0; r == 0 && i <= n; i++) {
		const char *path = i < n ? files[i].p : own.p;

		if (host_read(host, path, edits->arena, &text, &ignored) < 0 || !has_word(text, word))
			continue;
		edit_key(edits, path, EDIT_GRUB_WORD, NULL, word, STR_ABSENT);
		found++;
	}
	if (r == 0 && !found)
		return err_set(err, ENOTSUP,
					   "%.*s is not in " DEFAULTS
					   ": it is gone with the next boot, or the boot loader "
					   "has it from elsewhere",
					   STR_ARG(word));
	if (r == 0)
		make_menu(edits);
	return r;
}
