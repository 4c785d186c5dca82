/* SPDX-License-Identifier: Apache-2.0 */
#include "host/site_firewall.h"

#include "host/netfilter.h"
#include "host/nft_table.h"
#include "host/nft_text.h"
#include "host/site_facts.h"

/* Whoever can write it decides who is let in. */
static int check_owner(struct host *host, struct err *err)
{
	struct path_stat st;
	int r = host_stat(host, SITE_FILE, true, &st, err);

	/* Another one is read in its place, whose owner was looked at when it was opened. */
	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return r;
	return st.uid || st.mode & 022 ? err_set(err, EPERM,
											 "%s: others can change it, and so who is let in: "
											 "chown root and chmod go-w it",
											 SITE_FILE)
								   : 0;
}

static int read_file(struct host *host, struct arena *a, struct site_file *file, struct err *err)
{
	struct str text;
	int r = host_read(host, SITE_FILE, a, &text, err);

	*file = (struct site_file){0};
	if (r == -ENOENT || r == -ENOTDIR)
		return 0;
	if (r == 0)
		r = site_file_parse(text, SITE_FILE, a, file, err);
	return r == 0 && site_has_ruleset(file) ? check_owner(host, err) : r;
}

/* Its sets that change at run time have other elements every minute. */
static int read_present(struct host *host, struct arena *a, struct str *ret, struct err *err)
{
	_cleanup_buf_ struct buf text = BUF(4 * NFT_TEXT_MAX);
	int r = host_run(host, &netfilter_site, a, ret, err);

	if (r < 0)
		return r;
	*ret = str_trim(*ret);
	if (!ret->n) {
		*ret = STR_ABSENT;
		return 0;
	}
	if (nft_text_without_elements(*ret, &text) < 0)
		return err_set(err, EFBIG, "the table " SITE_TABLE " is too large");
	*ret = (struct str){arena_copy(a, text.p, text.n), text.n};
	return 0;
}

/* Files that have the addresses of names asked for again, from the boot on: a unit that another wants
 * needs no link. systemd looks for the program in its own path. */
static const struct {
	const char *path, *text;
} units[] = {
	{SITE_UNITS "revet-names.service",
	 "# Written by revet; see: revet history\n[Unit]\n"
	 "Description=Ask for the addresses of hosts that the packet filter knows by name\n"
	 "After=nftables.service network-online.target\n\n"
	 "[Service]\nType=oneshot\nExecStart=revet firewall --refresh\n"},
	{SITE_UNITS SITE_NAMES_TIMER,
	 "# Written by revet; see: revet history\n[Unit]\n"
	 "Description=Addresses of hosts that the packet filter knows by name\n\n"
	 "[Timer]\nOnActiveSec=10s\nOnUnitActiveSec=5min\nAccuracySec=10s\n"},
	{SITE_UNITS "timers.target.d/revet-names.conf",
	 "# Written by revet; see: revet history\n[Unit]\nWants=" SITE_NAMES_TIMER "\n"},
};

static bool has_units(struct host *host, struct arena *a)
{
	for (size_t i = 0; i < ARRAY_LEN(units); i++) {
		struct str text;
		struct err ignored = {0};

		if (host_read(host, units[i].path, a, &text, &ignored) < 0 || !str_is(text, units[i].text))
			return false;
	}
	return true;
}

static int compare(struct host *host, struct arena *a, struct site_firewall *f, struct err *err)
{
	struct site_facts facts;
	int r = host_is_live(host) ? 0 : err_set(err, EOPNOTSUPP, "offline: it depends on what runs");

	if (r == 0)
		r = site_facts_read(host, a, &facts, err);
	if (r == 0)
		r = site_ruleset(&f->file, &facts, a, &f->text, err);
	if (r == 0)
		r = read_present(host, a, &f->present, err);
	if (r == 0)
		r = nft_table_at_boot(host, a, SITE_TABLE, f->text, &f->at_boot, err);
	if (site_ruleset_has_names(f->text))
		f->at_boot = f->at_boot && has_units(host, a);
	f->in_force = r == 0 && f->present.p && nft_text_is_same(f->present, f->text);
	return r;
}

void site_firewall_read(struct host *host, struct arena *a, struct site_firewall *ret)
{
	struct err err = {0};
	int r;

	*ret = (struct site_firewall){0};
	r = read_file(host, a, &ret->file, &err);
	ret->wanted = r < 0 || site_has_ruleset(&ret->file);
	if (r == 0 && ret->wanted)
		r = compare(host, a, ret, &err);
	if (r < 0)
		ret->unknown = arena_strdup(a, err.msg);
}

/* Where systemd looks for a program that a unit names. */
static bool is_installed(struct host *host)
{
	static const char *const paths[] = {"/usr/local/sbin/revet", "/usr/local/bin/revet",
										"/usr/sbin/revet", "/usr/bin/revet"};

	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		struct path_stat st;
		struct err ignored = {0};

		if (host_stat(host, paths[i], true, &st, &ignored) == 0)
			return true;
	}
	return false;
}

int site_firewall_edit(struct host *host, struct edits *edits, struct err *err)
{
	struct site_firewall f;
	const char *cut;

	site_firewall_read(host, edits->arena, &f);
	if (f.unknown || !f.wanted)
		return err_set(err, ENOTSUP, "%s", f.unknown ? f.unknown : "the site file serves nobody");
	cut = site_facts_cut(host, edits->arena, &f.file);
	if (cut)
		return err_set(err, ENOTSUP, "%s", cut);
	if (site_ruleset_has_names(f.text) && !is_installed(host))
		return err_set(err, ENOTSUP, "the site file reaches hosts by name, and revet-names.service, which asks for "
									 "their addresses, finds no revet in /usr/local/bin or /usr/bin: install it "
									 "there");
	for (size_t i = 0; site_ruleset_has_names(f.text) && i < ARRAY_LEN(units); i++)
		edit_content(edits, units[i].path, str_of(units[i].text));
	return nft_table_edit(host, edits, SITE_TABLE, f.present, f.text, err);
}
