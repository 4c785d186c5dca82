/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "base/json.h"
#include "cmd/cmd.h"

enum { FORMAT };

static const struct option_doc options[] = {
	[FORMAT] = {"format", 'f', "FORMAT", "text (default) or json"},
	{0},
};

/* How many rules the profile has; the catalogue is loaded anew for each, because applying changes it. */
static int count_rules(const struct given *g, const char *name, size_t *ret)
{
	struct catalogue c;
	struct err err;
	int code = open_catalogue(&c, NULL, g, NULL);

	*ret = 0;
	if (code == 0 && profile_apply(&c, PROFILE_USER_DIR, name, &err) < 0)
		code = fail(EXIT_CONFIG, "%s", err.msg);
	for (size_t i = 0; code == 0 && i < c.n; i++)
		*ret += !c.p[i].left_out;
	catalogue_done(&c);
	return code;
}

static void put_json(struct jsonw *j, const struct profile *p, size_t rules)
{
	jsonw_object(j);
	jsonw_member_strz(j, "name", p->name);
	jsonw_member_str(j, "title", p->title);
	jsonw_member_str(j, "extends", p->extends);
	jsonw_member_int(j, "rules", (int64_t)rules);
	jsonw_member_strz(j, "file", p->at.doc->name);
	jsonw_end(j);
}

static void put_text(struct buf *out, const struct profile *p, size_t rules)
{
	buf_printf(out, "%-16s %3zu rules  ", p->name, rules);
	buf_printable(out, p->title);
	buf_putc(out, '\n');
}

static int list(const struct given *g, const struct profile *all, size_t n, bool json)
{
	_cleanup_buf_ struct buf out = BUF(1u << 20);
	struct jsonw j;
	int code = 0;

	jsonw_begin(&j, &out, true);
	if (json)
		jsonw_array(&j);
	for (size_t i = 0; code == 0 && i < n; i++) {
		size_t rules;

		code = count_rules(g, all[i].name, &rules);
		if (code == 0 && json)
			put_json(&j, &all[i], rules);
		else if (code == 0)
			put_text(&out, &all[i], rules);
	}
	if (json && code == 0)
		jsonw_end(&j);
	return code ? code : put_stdout(&out);
}

static int run_profiles(const struct given *g)
{
	_cleanup_arena_ struct arena arena = {0};
	struct profile *all;
	struct err err;
	bool json;
	size_t n;
	int code = parse_format(given_value(g, FORMAT), &json);

	if (code == 0 && profile_list(&arena, PROFILE_USER_DIR, &all, &n, &err) < 0)
		code = fail(EXIT_CONFIG, "%s", err.msg);
	return code ? code : list(g, all, n, json);
}

static const struct command profiles_command = {
	"profiles", "", "list the profiles: which rules count for which kind of server", options,
	0, 0, run_profiles};
COMMAND(profiles_command);
