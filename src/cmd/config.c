/* SPDX-License-Identifier: Apache-2.0 */
/* What is in force, and where each of it comes from. */
#include <stdlib.h>

#include "base/json.h"
#include "cmd/cmd.h"

enum { FORMAT, SET, PROFILE, SITE, CHECK };

static const struct option_doc options[] = {
	[FORMAT] = {"format", 'f', "FORMAT", "text (default) or json"},
	[SET] = {"set", 0, "NAME=VALUE", "a parameter of the rules, as for audit"},
	[PROFILE] = {"profile", 0, "NAME", "this profile (of the site file, or server)"},
	[SITE] = {"site", 0, "FILE", "what this server is for (/etc/revet/site.yaml)"},
	[CHECK] = {"check", 0, NULL,
			   "print nothing; the exit status says whether all of it can be used"},
	{0},
};

struct setting {
	const char *name;
	struct str *values;
	size_t n;
	bool is_list;
	const char *from;   /* default, profile, site, environment or option */
	const char *source; /* a file with line and column, a variable or an option; or NULL */
};

struct settings {
	struct arena *arena;
	const struct site *site;
	VEC(struct setting) p;
};

/* --- collecting -------------------------------------------------------------------------- */

static struct setting *add(struct settings *s, const char *name, const char *from,
						   const char *source)
{
	struct setting *setting = vec_push(s->arena, &s->p);

	*setting = (struct setting){.name = name, .from = from, .source = source};
	return setting;
}

/* Of the documents that there are, the site file is told by its name. */
static struct setting *add_at(struct settings *s, const char *name, struct yaml_at at)
{
	const struct yaml_node *node = &at.doc->nodes[at.i];
	bool site = s->site->path && strcmp(at.doc->name, s->site->path) == 0;

	return add(s, name, site ? "site" : "profile",
			   arena_printf(s->arena, "%s:%u:%u", at.doc->name, node->line, node->column));
}

static void set_text(struct settings *s, struct setting *setting, struct str text)
{
	setting->values = arena_new(s->arena, struct str, 1);
	setting->values[0] = text;
	setting->n = 1;
}

static void add_text(struct settings *s, const char *name, const char *value, const char *from,
					 const char *source)
{
	set_text(s, add(s, name, from, source), str_of(value));
}

/* What is in force where nobody said otherwise, and where the environment did. */
static void add_directory(struct settings *s, const char *name, const char *variable,
						  const char *otherwise)
{
	const char *path = variable ? getenv(variable) : NULL;

	add_text(s, name, path ? path : otherwise, path ? "environment" : "default",
			 path ? variable : NULL);
}

static void add_site_path(struct settings *s, const struct given *g)
{
	const char *named = given_value(g, SITE), *path = getenv("REVET_SITE");
	const char *from = named ? "option" : path ? "environment" : "default";
	const char *source = named ? "--site" : path ? "REVET_SITE" : NULL;

	if (s->site->path)
		add_text(s, "site", s->site->path, from, source);
	else
		add(s, "site", from, source);
}

static void add_profile(struct settings *s, const struct given *g, const struct catalogue *c)
{
	const struct site_file *site = &s->site->file;

	if (given_value(g, PROFILE))
		add_text(s, "profile", c->profile, "option", "--profile");
	else if (site->profile.p)
		set_text(s, add_at(s, "profile", site->profile_at), site->profile);
	else
		add_text(s, "profile", c->profile, "default", NULL);
}

static void add_rules(struct settings *s, const struct catalogue *c)
{
	size_t selected = 0;

	for (size_t i = 0; i < c->n; i++)
		selected += !c->p[i].left_out;
	add_text(s, "rules", arena_printf(s->arena, "%zu of %zu", selected, c->n), "profile", NULL);
	for (size_t i = 0; i < c->n; i++)
		if (c->p[i].severity_at.doc)
			set_text(
				s,
				add_at(s, arena_printf(s->arena, "severity.%s", c->p[i].id), c->p[i].severity_at),
				str_of(severity_name(c->p[i].severity)));
}

static void add_parameter(struct settings *s, const struct param *p)
{
	const char *name = arena_printf(s->arena, "parameters.%s", p->name);
	struct setting *setting = !p->at.doc      ? add(s, name, "option", "--set")
							  : p->is_default ? add(s, name, "default", NULL)
											  : add_at(s, name, p->at);

	setting->values = p->items;
	setting->n = p->n;
	setting->is_list = p->is_list;
}

static int by_name(const void *a, const void *b)
{
	return strcmp((*(const struct param *const *)a)->name, (*(const struct param *const *)b)->name);
}

static void add_parameters(struct settings *s, const struct catalogue *c)
{
	const struct params *params = &c->language.params;
	const struct param **all = arena_new(s->arena, const struct param *, params->by_name.n + 1);
	size_t n = 0;

	for (size_t i = 0; i < params->by_name.cap; i++)
		if (params->by_name.slots[i].value)
			all[n++] = params->by_name.slots[i].value;
	if (n)
		qsort(all, n, sizeof(*all), by_name);
	for (size_t i = 0; i < n; i++)
		add_parameter(s, all[i]);
}

/* --- the site file ----------------------------------------------------------------------- */

static void add_peers(struct settings *s, const char *name, const struct site_peers *peers)
{
	struct setting *setting = add_at(s, name, peers->at);

	setting->is_list = true;
	setting->values = arena_new(s->arena, struct str, peers->networks.n + 1);
	if (peers->world)
		setting->values[setting->n++] = STR("world");
	vec_each(&peers->networks, net) setting->values[setting->n++] = net->text;
}

static void put_peers(struct buf *out, const struct site_peers *peers)
{
	const char *comma = "";

	if (peers->world)
		buf_puts(out, "world");
	vec_each(&peers->networks, net)
	{
		buf_printf(out, "%s%.*s", comma, STR_ARG(net->text));
		comma = ", ";
	}
	vec_each(&peers->names, name)
	{
		buf_printf(out, "%s%.*s", comma, STR_ARG(*name));
		comma = ", ";
	}
}

static void end_line(struct settings *s, const char *name, struct yaml_at at, struct buf *value)
{
	struct str text = {arena_copy(s->arena, buf_get(value).p, value->n), value->n};

	set_text(s, add_at(s, name, at), text);
	buf_clear(value);
}

static const char *ports_text(struct settings *s, struct site_ports ports)
{
	_cleanup_buf_ struct buf text = BUF(64);

	site_ports_print(&text, ports);
	return str_dup(s->arena, buf_get(&text));
}

static void add_services(struct settings *s, const struct site_file *site)
{
	static const char *const tls[] = {"", "; tls: none", "; tls: server", "; tls: mutual"};
	_cleanup_buf_ struct buf line = BUF(16u << 20);

	vec_each(&site->serves, service)
	{
		buf_puts(&line, "to ");
		put_peers(&line, &service->to);
		if (service->what.p)
			buf_printf(&line, "; %.*s", STR_ARG(service->what));
		buf_puts(&line, tls[service->tls]);
		end_line(s, arena_printf(s->arena, "serves.%s", ports_text(s, service->ports)), service->at,
				 &line);
	}
}

static void add_reaches(struct settings *s, const struct site_file *site)
{
	static const char *const words[] = {NULL, "dns", "ntp", "apt", "icmp"};
	_cleanup_buf_ struct buf line = BUF(16u << 20);

	vec_each(&site->reaches, reach)
	{
		bool ports = reach->kind == SITE_REACH_PORTS;

		buf_puts(&line, ports ? "to " : "wherever this host is configured to go for it");
		if (ports)
			put_peers(&line, &reach->to);
		end_line(s,
				 arena_printf(s->arena, "reaches.%s",
							  ports ? ports_text(s, reach->ports) : words[reach->kind]),
				 reach->at, &line);
	}
}

static void put_end(struct buf *out, const struct site_end *end)
{
	if (end->interface.p)
		buf_printf(out, "%.*s", STR_ARG(end->interface));
	put_peers(out, &end->peers);
}

static void add_forwards(struct settings *s, const struct site_file *site)
{
	_cleanup_buf_ struct buf line = BUF(16u << 20);
	unsigned n = 0;

	vec_each(&site->forwards, f)
	{
		buf_puts(&line, "from ");
		put_end(&line, &f->from);
		buf_puts(&line, " to ");
		put_end(&line, &f->to);
		if (f->has_ports)
			buf_printf(&line, "; %s", ports_text(s, f->ports));
		end_line(s, arena_printf(s->arena, "forwards.%u", ++n), f->at, &line);
	}
}

static void add_admins(struct settings *s, const struct site_file *site)
{
	struct setting *users;

	if (!site->admins.at.doc)
		return;
	users = add_at(s, "admins.users", site->admins.at);
	users->values = site->admins.users.p;
	users->n = site->admins.users.n;
	users->is_list = true;
	vec_each(&site->admins.keys, key) set_text(
		s, add_at(s, arena_printf(s->arena, "admins.keys.%.*s", STR_ARG(key->user)), key->at),
		key->line);
	if (site->admins.from.at.doc)
		add_peers(s, "admins.from", &site->admins.from);
	else
		add_text(s, "admins.from", "world", "default", NULL);
}

static void add_site(struct settings *s, const struct site_file *site)
{
	static const char *const egress[] = {"open", "observe", "deny"};
	_cleanup_buf_ struct buf line = BUF(1u << 20);

	vec_each(&site->networks, n)
		add_peers(s, arena_printf(s->arena, "networks.%.*s", STR_ARG(n->name)), &n->peers);
	add_admins(s, site);
	add_services(s, site);
	add_reaches(s, site);
	add_forwards(s, site);
	if (site->egress_at.doc)
		set_text(s, add_at(s, "egress", site->egress_at), str_of(egress[site->egress]));
	else
		add_text(s, "egress", egress[site->egress], "default", NULL);
	vec_each(&site->waivers, w)
	{
		site_waiver_print(&line, w);
		end_line(s,
				 arena_printf(s->arena, "waivers.%.*s%s%.*s", STR_ARG(w->rule),
							  w->object.p ? " " : "", STR_ARG(w->object)),
				 w->at, &line);
	}
}

/* --- printing ---------------------------------------------------------------------------- */

static void put_json(struct buf *out, const struct settings *s)
{
	struct jsonw j;

	jsonw_begin(&j, out, true);
	jsonw_array(&j);
	for (size_t i = 0; i < s->p.n; i++) {
		const struct setting *one = &s->p.p[i];

		jsonw_object(&j);
		jsonw_member_strz(&j, "name", one->name);
		jsonw_key(&j, "value");
		if (one->is_list)
			jsonw_array(&j);
		else if (!one->n)
			jsonw_null(&j);
		for (size_t k = 0; k < one->n; k++)
			jsonw_str(&j, one->values[k]);
		if (one->is_list)
			jsonw_end(&j);
		jsonw_member_strz(&j, "from", one->from);
		jsonw_member_strz(&j, "source", one->source);
		jsonw_end(&j);
	}
	jsonw_end(&j);
	buf_putc(out, '\n');
}

static void put_text(struct buf *out, const struct settings *s)
{
	for (size_t i = 0; i < s->p.n; i++) {
		const struct setting *one = &s->p.p[i];

		buf_printable(out, str_of(one->name));
		buf_puts(out, one->is_list && !one->n ? ": []" : one->n ? ": " : ": none");
		for (size_t k = 0; k < one->n; k++) {
			buf_puts(out, k ? ", " : "");
			buf_printable(out, one->values[k]);
		}
		buf_puts(out, "  (");
		buf_printable(out, str_of(one->source ? one->source : one->from));
		buf_puts(out, ")\n");
	}
}

static int run_config(const struct given *g)
{
	const struct opening opening = {SET, PROFILE, SITE, false};
	_cleanup_arena_ struct arena arena = {0};
	_cleanup_buf_ struct buf out = BUF(64u << 20);
	struct catalogue catalogue = {0};
	struct site site = {0};
	struct settings settings = {.arena = &arena, .site = &site};
	bool json = false;
	int code = parse_format(given_value(g, FORMAT), &json);

	if (code)
		return code;
	code = open_catalogue(&catalogue, &site, g, &opening);
	if (code == 0 && !given_value(g, CHECK)) {
		add_site_path(&settings, g);
		add_directory(&settings, "directories.rules", "REVET_RULES", "/etc/revet/rules.d");
		add_directory(&settings, "directories.profiles", NULL, PROFILE_USER_DIR);
		add_profile(&settings, g, &catalogue);
		add_rules(&settings, &catalogue);
		add_site(&settings, &site.file);
		add_parameters(&settings, &catalogue);
		(json ? put_json : put_text)(&out, &settings);
		code = put_stdout(&out);
	}
	catalogue_done(&catalogue);
	return code;
}

static const struct command config_command = {
	"config", "", "print what is in force, and where each of it comes from", options, 0,
	0,        run_config};
COMMAND(config_command);
