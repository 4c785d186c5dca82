/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "base/json.h"
#include "cmd/cmd.h"

enum { FORMAT, FAMILY, SEVERITY, PROFILE, MAP };

static const struct option_doc options[] = {
	[FORMAT] = {"format", 'f', "FORMAT", "text (default) or json"},
	[FAMILY] = {"family", 0, "NAME", "only this family"},
	[SEVERITY] = {"severity", 0, "NAME", "only this severity"},
	[PROFILE] = {"profile", 0, "NAME", "only the rules of this profile, with its severities and parameters"},
	[MAP] = {"map", 0, "NAME", "by the numbers of cis-debian12 or another benchmark: the rules of each item, or why there is none"},
	{0},
};

static void write_refs(struct jsonw *j, struct yaml_at refs)
{
	struct yaml_iter it, item;

	jsonw_key(j, "refs");
	jsonw_object(j);
	if (refs.doc) {
		it = yaml_iter(refs);
		while (yaml_next(&it)) {
			jsonw_keystr(j, yaml_text(it.key));
			jsonw_array(j);
			item = yaml_iter(it.value);
			if (yaml_kind(it.value) == YAML_SCALAR)
				jsonw_str(j, yaml_text(it.value));
			while (yaml_kind(it.value) == YAML_LIST && yaml_next(&item))
				jsonw_str(j, yaml_text(item.value));
			jsonw_end(j);
		}
	}
	jsonw_end(j);
}

/* {name: value or [values]}, as they are now. */
static void write_parameters(struct jsonw *j, const struct catalogue *c, struct yaml_at parameters)
{
	struct yaml_iter it;

	jsonw_key(j, "parameters");
	jsonw_object(j);
	if (parameters.doc) {
		it = yaml_iter(parameters);
		while (yaml_next(&it)) {
			const struct param *p = map_get(&c->language.params.by_name, yaml_text(it.key));

			jsonw_keystr(j, yaml_text(it.key));
			if (p->is_list)
				jsonw_array(j);
			for (size_t i = 0; i < p->n; i++)
				jsonw_str(j, p->items[i]);
			if (p->is_list)
				jsonw_end(j);
		}
	}
	jsonw_end(j);
}

static void write_rule(struct jsonw *j, const struct catalogue *c, const struct rule *r)
{
	jsonw_object(j);
	jsonw_member_strz(j, "id", r->id);
	jsonw_member_str(j, "title", r->title);
	jsonw_member_strz(j, "severity", severity_name(r->severity));
	jsonw_member_strz(j, "family", r->family);
	jsonw_member_strz(j, "fix", fix_name(r->fix));
	jsonw_member_strz(j, "risk", risk_name(r->risk));
	jsonw_member_strz(j, "file", r->file);
	write_refs(j, r->refs);
	write_parameters(j, c, r->parameters);
	jsonw_end(j);
}

static void list_rule(struct buf *out, const struct rule *r)
{
	buf_printf(out, "%-36s %-9s %-10s ", r->id, severity_name(r->severity), fix_name(r->fix));
	buf_printable(out, r->title);
	buf_putc(out, '\n');
}

static void write_rules(struct buf *out, const struct catalogue *c, const struct given *g, bool json)
{
	const char *family = given_value(g, FAMILY), *severity = given_value(g, SEVERITY);
	struct jsonw j;

	jsonw_begin(&j, out, true);
	if (json)
		jsonw_array(&j);
	for (size_t i = 0; i < c->n; i++) {
		const struct rule *r = &c->p[i];

		if (r->left_out || (family && strcmp(family, r->family) != 0) ||
			(severity && strcmp(severity, severity_name(r->severity)) != 0))
			continue;
		if (json)
			write_rule(&j, c, r);
		else
			list_rule(out, r);
	}
	if (json) {
		jsonw_end(&j);
		buf_putc(out, '\n');
	}
}

static void map_json(struct jsonw *j, const struct numbering *m)
{
	jsonw_object(j);
	jsonw_member_str(j, "map", m->name);
	jsonw_member_str(j, "title", m->title);
	jsonw_key(j, "items");
	jsonw_array(j);
	for (size_t i = 0; i < m->items.n; i++) {
		const struct map_item *item = &m->items.p[i];

		jsonw_object(j);
		jsonw_member_str(j, "item", item->id);
		jsonw_key(j, "level");
		if (item->level)
			jsonw_int(j, item->level);
		else
			jsonw_null(j);
		jsonw_key(j, "rules");
		jsonw_array(j);
		for (size_t k = 0; k < item->rules.n; k++)
			jsonw_strz(j, item->rules.p[k]->id);
		jsonw_end(j);
		jsonw_member_str(j, "why_not", item->why_not);
		jsonw_end(j);
	}
	jsonw_end(j);
	jsonw_end(j);
}

static void map_text(struct buf *out, const struct numbering *m)
{
	size_t covered = 0;

	for (size_t i = 0; i < m->items.n; i++) {
		const struct map_item *item = &m->items.p[i];

		for (size_t k = 0; k < m->sections.n; k++)
			if (i ? numbering_is_within(item, m->sections.p[k].id) &&
						!numbering_is_within(&m->items.p[i - 1], m->sections.p[k].id)
				  : numbering_is_within(item, m->sections.p[k].id))
				buf_printf(out, "%.*s %.*s\n", STR_ARG(m->sections.p[k].id),
						   STR_ARG(m->sections.p[k].title));
		buf_printf(out, "  %-12.*s", STR_ARG(item->id));
		for (size_t k = 0; k < item->rules.n; k++)
			buf_printf(out, " %s", item->rules.p[k]->id);
		if (!item->rules.n)
			buf_printf(out, " -  %.*s", STR_ARG(item->why_not.p ? item->why_not : STR("no rule yet")));
		buf_putc(out, '\n');
		covered += item->rules.n > 0;
	}
	buf_printf(out, "%.*s: %zu of %zu items have rules\n", STR_ARG(m->title), covered, m->items.n);
}

static int show_map(const struct catalogue *c, const char *name, bool json)
{
	_cleanup_arena_ struct arena arena = {0};
	_cleanup_buf_ struct buf out = BUF((size_t)64 << 20);
	struct numbering map;
	struct jsonw j;
	struct err err;

	if (numbering_load(&map, c, name, &arena, &err) < 0)
		return fail(err.errnum == ENOENT ? EXIT_USAGE : EXIT_CONFIG, "%s", err.msg);
	jsonw_begin(&j, &out, true);
	if (json)
		map_json(&j, &map);
	else
		map_text(&out, &map);
	return put_stdout(&out);
}

static int run_rules(const struct given *g)
{
	const char *family = given_value(g, FAMILY), *severity = given_value(g, SEVERITY);
	_cleanup_buf_ struct buf out = BUF((size_t)64 << 20);
	struct catalogue c;
	enum severity ignored;
	bool json;
	const struct opening opening = {-1, PROFILE, -1, true};
	struct site site;
	int code = open_catalogue(&c, &site, g, given_value(g, PROFILE) ? &opening : NULL);

	if (code == 0)
		code = parse_format(given_value(g, FORMAT), &json);
	if (code == 0 && family)
		code = check_family(&c, family);
	if (code == 0 && severity && severity_parse(str_of(severity), &ignored) < 0)
		code = fail(EXIT_USAGE, "--severity %s: expected low, medium, high or critical", severity);
	if (code == 0 && given_value(g, MAP)) {
		code = show_map(&c, given_value(g, MAP), json);
	} else if (code == 0) {
		write_rules(&out, &c, g, json);
		code = put_stdout(&out);
	}
	catalogue_done(&c);
	return code;
}

static const struct command rules_command = {
	"rules", "", "list the rules", options, 0, 0, run_rules};
COMMAND(rules_command);
