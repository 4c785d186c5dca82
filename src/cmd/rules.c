/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "base/json.h"
#include "cmd/cmd.h"

enum { FORMAT, FAMILY, SEVERITY, PROFILE };

static const struct option_doc options[] = {
	[FORMAT] = {"format", 'f', "FORMAT", "text (default) or json"},
	[FAMILY] = {"family", 0, "NAME", "only this family"},
	[SEVERITY] = {"severity", 0, "NAME", "only this severity"},
	[PROFILE] = {"profile", 0, "NAME", "only the rules of this profile, with its severities and parameters"},
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
	if (code == 0) {
		write_rules(&out, &c, g, json);
		code = put_stdout(&out);
	}
	catalogue_done(&c);
	return code;
}

static const struct command rules_command = {
	"rules", "[OPTION...]", "list the rules", options, 0, 0, run_rules};
COMMAND(rules_command);
