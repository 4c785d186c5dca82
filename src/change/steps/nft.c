/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A table of nftables as it is now, "inet NAME": its text, `table inet NAME { ... }`, or absent. It is
 * replaced whole, in one transaction, and no other table is touched. What loads it at boot is the
 * business of files, see host/nft_table.h.
 *
 * The kernel keeps no text: it words what it holds in its own way. So a text that is wished for is
 * compared as the same nft and kernel word it, once it was loaded in a network namespace of its own;
 * that is also how it is checked. Interfaces other than lo therefore go by name (iifname), not by
 * number (iif). Elements of sets with the flag timeout or dynamic come and go at run time; they are
 * neither compared nor kept when the table is replaced, so what is to last has a table of its own.
 */
#include "change/nft.h"
#include "base/path.h"
#include "change/diff.h"
#include "change/names.h"
#include "change/step.h"
#include "host/site_firewall.h"
#include "host/site_ruleset.h"

static int capture_nft(const struct place *place _unused_, const char *target, struct arena *a,
					   struct state *ret, struct err *err)
{
	struct str text;
	int r = nft_list(-1, target, a, &text, err);

	if (r == 0)
		state_set(ret, a, "ruleset", text);
	return r;
}

static int word_nft(const struct place *place _unused_, const char *target, const struct state *s,
					struct arena *a, struct state *ret, struct err *err)
{
	struct str text;
	int r = nft_word(target, state_get(s, "ruleset"), a, &text, err);

	if (r == 0)
		state_set(ret, a, "ruleset", text);
	return r;
}

/* The timer that fills sets of names again begins or ends with the table that has them. Whatever is wrong
 * with it shows in the unit's state; who was admitted by address is admitted all the same. */
static void keep_names(const struct place *place, bool wanted)
{
	static const char *const reload[] = {"/usr/bin/systemctl", "daemon-reload", NULL};
	const char *const timer[] = {"/usr/bin/systemctl", "--no-block", wanted ? "start" : "stop",
								 SITE_NAMES_TIMER, NULL};
	struct path_stat st;
	struct err ignored;

	if (path_stat(place->root_fd, SITE_UNITS SITE_NAMES_TIMER, true, &st) < 0)
		return;
	(void)step_run(place, reload, 60000, &ignored);
	(void)step_run(place, timer, 20000, &ignored);
}

/* Names are asked for before the table is there, which may let nobody be asked. */
static int put_nft(const struct place *place, const char *target, const struct state *to,
				   const struct saved *saved _unused_, struct err *err)
{
	_cleanup_arena_ struct arena a = {0};
	struct str text = state_get(to, "ruleset"), commands = STR_ABSENT;
	bool site = strcmp(target, SITE_TABLE) == 0;
	struct names_result result;
	int r;

	if (site && !step_is_booting(place))
		commands = names_ask(place, text, &a, &result);
	r = nft_load(-1, target, text, err);
	if (r == 0 && commands.p)
		r = nft_feed(commands, err);
	if (site)
		keep_names(place, site_ruleset_has_names(text));
	return r;
}

static void describe_nft(struct buf *out, const struct step *s)
{
	struct str before = state_get(&s->before, "ruleset"), after = state_get(&s->after, "ruleset");

	diff_print(out, before.p ? before : STR(""), after.p ? after : STR(""));
}

static void undo_nft(struct buf *out, const struct step *s)
{
	struct str before = state_get(&s->before, "ruleset");

	buf_puts(out, "[ -n \"$ROOT\" ] || printf '%s\\n' 'table '");
	step_shell_word(out, str_of(s->target));
	buf_puts(out, " 'delete table '");
	step_shell_word(out, str_of(s->target));
	buf_putc(out, ' ');
	if (before.p)
		step_shell_word(out, before);
	buf_puts(out, " | nft -f -\n");
}

static const struct step_type nft_step = {
	.name = "nft",
	.doc = "a table of nftables as it is now",
	.order = 60,
	.live_only = true,
	.capture = capture_nft,
	.canonical = word_nft,
	.put = put_nft,
	.describe = describe_nft,
	.undo_sh = undo_nft,
};
STEP_TYPE(nft_step);
