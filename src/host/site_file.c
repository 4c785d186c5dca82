/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"
#include "base/num.h"
#include "host/host.h"
#include "host/site_private.h"
#include "host/value.h"

#define DAY 86400
#define MAX_USERS 1000

/* --- what the parts share ---------------------------------------------------------------- */

int site_parse_word(struct site_parse *p, struct yaml_at at, const char *const words[],
					const char *expected, unsigned *ret)
{
	struct str text;
	const char *near;

	if (yaml_str(at, &text, p->err) < 0)
		return -EINVAL;
	for (*ret = 0; words[*ret]; ++*ret)
		if (str_is(text, words[*ret]))
			return 0;
	near = yaml_nearest(text, words);
	if (near)
		return yaml_err(at, p->err, "unknown word '%.*s'; did you mean '%s'?", STR_ARG(text), near);
	return yaml_err(at, p->err, "unknown word '%.*s': expected %s", STR_ARG(text), expected);
}

int site_check_list(struct site_parse *p, struct yaml_at at, uint32_t max)
{
	if (yaml_kind(at) != YAML_LIST)
		return yaml_err(at, p->err, "expected a list, found %s; [] is the empty one",
						yaml_is_null(at) ? "nothing" : yaml_kind_name(at));
	if (yaml_len(at) > max)
		return yaml_err(at, p->err, "more than %u lines in one list", max);
	return 0;
}

/* --- waivers ----------------------------------------------------------------------------- */

static int required(struct yaml_at at, const char *key, struct str *ret, struct err *err)
{
	struct yaml_at node;

	if (!yaml_get(at, key, &node))
		return yaml_err(at, err, "'%s' is missing from this waiver", key);
	if (yaml_str(node, ret, err) < 0)
		return -EINVAL;
	return str_trim(*ret).n ? 0 : yaml_err(node, err, "'%s' is empty", key);
}

/* A date, the last day on which it holds, or `never`, for what nobody means to mend. */
static int parse_until(struct yaml_at at, struct site_waiver *w, struct err *err)
{
	struct yaml_at node;

	if (!yaml_get(at, "until", &node))
		return yaml_err(at, err, "'until' is missing from this waiver: a date, or never");
	w->forever = str_is(yaml_text(node), "never");
	if (w->forever)
		return 0;
	if (yaml_text(node).n != 10 || num_time(yaml_text(node), &w->until) < 0)
		return yaml_err(node, err, "'%.*s' is no date: expected YYYY-MM-DD, or never",
						STR_ARG(yaml_text(node)));
	w->until += DAY;
	return 0;
}

static int parse_waiver(struct yaml_at at, struct site_waiver *w, struct err *err)
{
	static const char *const keys[] = {"rule", "object", "reason", "owner", "until", NULL};
	struct yaml_at object;
	int r = yaml_check_keys(at, keys, err);

	w->at = at;
	if (r == 0)
		r = required(at, "rule", &w->rule, err);
	if (r == 0)
		r = required(at, "reason", &w->reason, err);
	if (r == 0)
		r = required(at, "owner", &w->owner, err);
	if (r == 0 && yaml_get(at, "object", &object))
		r = yaml_str(object, &w->object, err);
	return r < 0 ? r : parse_until(at, w, err);
}

static int parse_waivers(struct yaml_at list, struct arena *a, struct site_file *site,
						 struct err *err)
{
	struct yaml_iter it = yaml_iter(list);
	int r = 0;

	if (yaml_kind(list) != YAML_LIST)
		return yaml_err(list, err, "expected a list of waivers, found %s", yaml_kind_name(list));
	while (r == 0 && yaml_next(&it)) {
		struct site_waiver *w = vec_push(a, &site->waivers);

		*w = (struct site_waiver){0};
		r = parse_waiver(it.value, w, err);
	}
	return r;
}

/* --- admins ------------------------------------------------------------------------------ */

/* What useradd(8) would make at most, and sshd_config(5) takes for a name and no pattern. */
static bool is_user_name(struct str s)
{
	bool fits = s.n && s.n <= 32 && s.p[0] != '-' && s.p[0] != '.', digits = true;

	for (size_t i = 0; fits && i < s.n; i++) {
		bool digit = s.p[i] >= '0' && s.p[i] <= '9';

		fits = digit || (s.p[i] >= 'a' && s.p[i] <= 'z') || (s.p[i] >= 'A' && s.p[i] <= 'Z') ||
			   (s.p[i] && strchr("_.-", s.p[i]));
		digits = digits && digit;
	}
	return fits && !digits;
}

static int parse_users(struct site_parse *p, struct yaml_at list)
{
	struct yaml_iter it = yaml_iter(list);
	struct map seen;
	int r;

	if (yaml_kind(list) != YAML_LIST)
		return yaml_err(list, p->err, "expected a list of users, as [ops]");
	r = site_check_list(p, list, MAX_USERS);
	if (r == 0 && !yaml_len(list))
		r = yaml_err(list, p->err, "this list is empty: name who administers the server");
	map_init(&seen, p->arena);
	while (r == 0 && yaml_next(&it)) {
		struct str *name = vec_push(p->arena, &p->site->admins.users);

		r = yaml_str(it.value, name, p->err);
		if (r == 0 && !is_user_name(*name))
			r = yaml_err(it.value, p->err, "'%.*s' cannot be the name of a user", STR_ARG(*name));
		if (r == 0 && map_put(&seen, *name, p))
			r = yaml_err(it.value, p->err, "'%.*s' is in this list already", STR_ARG(*name));
	}
	return r;
}

static int parse_admins(struct site_parse *p, struct yaml_at at)
{
	static const char *const keys[] = {"users", "keys", "from", NULL};
	struct yaml_at node;

	p->site->admins.at = at;
	if (yaml_check_keys(at, keys, p->err) < 0)
		return -EINVAL;
	if (!yaml_get(at, "users", &node))
		return yaml_err(at, p->err, "'users' is missing: who administers the server, as [ops]");
	if (parse_users(p, node) < 0)
		return -EINVAL;
	if (yaml_get(at, "keys", &node) && site_parse_keys(p, node) < 0)
		return -EINVAL;
	if (!yaml_get(at, "from", &node))
		return 0;
	return site_parse_peers(p, node, SITE_ALLOW_WORLD, &p->site->admins.from);
}

/* --- the whole --------------------------------------------------------------------------- */

/* Names need a resolver to be reached, once nothing else is. */
static int check_names(struct site_parse *p)
{
	const struct site_reach *named = NULL;

	vec_each(&p->site->reaches, reach)
	{
		if (reach->kind == SITE_REACH_DNS ||
			(reach->kind == SITE_REACH_PORTS && reach->ports.low <= 53 && reach->ports.high >= 53))
			return 0;
		named = reach->to.names.n && !named ? reach : named;
	}
	if (!named)
		return 0;
	return yaml_err(named->to.at, p->err,
					"'%.*s' cannot be resolved unless a resolver is reached: add "
					"dns to 'reaches'",
					STR_ARG(named->to.names.p[0]));
}

static int parse_egress(struct site_parse *p, struct yaml_at at)
{
	static const char *const words[] = {"open", "observe", "deny", NULL};
	unsigned n;

	p->site->egress_at = at;
	if (site_parse_word(p, at, words, "open, observe or deny", &n) < 0)
		return -EINVAL;
	p->site->egress = (enum site_egress)n;
	if (p->site->egress != SITE_EGRESS_OPEN && !p->site->has_reaches)
		return yaml_err(at, p->err,
						"'%s' needs 'reaches': what this server connects to, as [dns, ntp, apt]",
						words[n]);
	return 0;
}

static int parse_traffic(struct site_parse *p, struct yaml_at root)
{
	struct yaml_at node;
	int r = 0;

	if (yaml_get(root, "networks", &node))
		r = site_parse_networks(p, node);
	if (r == 0 && yaml_get(root, "admins", &node))
		r = parse_admins(p, node);
	if (r == 0 && yaml_get(root, "serves", &node))
		r = site_parse_serves(p, node);
	if (r == 0 && yaml_get(root, "reaches", &node))
		r = site_parse_reaches(p, node);
	if (r == 0 && yaml_get(root, "forwards", &node))
		r = site_parse_forwards(p, node);
	p->site->egress = p->site->has_reaches ? SITE_EGRESS_OBSERVE : SITE_EGRESS_OPEN;
	if (r == 0 && yaml_get(root, "egress", &node))
		r = parse_egress(p, node);
	return r == 0 && p->site->egress != SITE_EGRESS_OPEN ? check_names(p) : r;
}

static int parse_site(struct site_parse *p, struct yaml_at root)
{
	static const char *const keys[] = {"profile", "parameters", "networks", "admins",  "serves",
									   "reaches", "forwards",   "egress",   "waivers", NULL};
	struct site_file *site = p->site;
	struct yaml_at node;
	int r;

	r = yaml_check_keys(root, keys, p->err);
	if (r == 0 && yaml_get(root, "profile", &site->profile_at))
		r = yaml_str(site->profile_at, &site->profile, p->err);
	if (r == 0 && yaml_get(root, "parameters", &site->parameters) &&
		yaml_kind(site->parameters) != YAML_MAP)
		r = yaml_err(site->parameters, p->err, "expected {name: value, ...}, found %s",
					 yaml_kind_name(site->parameters));
	if (r == 0)
		r = parse_traffic(p, root);
	if (r == 0 && yaml_get(root, "waivers", &node))
		r = parse_waivers(node, p->arena, site, p->err);
	return r;
}

/* A file of which everything is commented out says nothing, which is no error. */
static bool is_all_comments(struct str text)
{
	struct str line;

	while (str_line(&text, &line))
		if (str_trim(line).n && str_trim(line).p[0] != '#')
			return false;
	return true;
}

int site_file_parse(struct str text, const char *name, struct arena *a, struct site_file *ret,
					struct err *err)
{
	struct site_parse p = {.arena = a, .site = ret, .err = err};

	*ret = (struct site_file){0};
	map_init(&p.by_name, a);
	if (is_all_comments(text))
		return 0;
	if (yaml_parse(text, name, a, &ret->doc, err) < 0)
		return -EINVAL;
	return parse_site(&p, YAML_ROOT(&ret->doc));
}

int site_file_read(struct host *host, struct arena *a, const struct site_file **ret,
				   struct err *err)
{
	struct site_file *site = arena_new(a, struct site_file, 1);
	struct str text;
	int r = host_read(host, SITE_FILE, a, &text, err);

	*ret = NULL;
	if (r == -ENOENT)
		return 0;
	if (r == 0)
		r = site_file_parse(text, SITE_FILE, a, site, err);
	if (r == 0)
		*ret = site;
	return r;
}

bool site_waiver_has_expired(const struct site_waiver *w, int64_t now)
{
	return !w->forever && now >= w->until;
}

void site_waiver_print(struct buf *out, const struct site_waiver *w)
{
	_cleanup_buf_ struct buf time = BUF(64);
	struct value last = {.state = VALUE_SET, .number = w->until - 1};

	value_print(&time, TYPE_TIME, &last);
	buf_printf(out, "waived by %.*s ", STR_ARG(w->owner));
	if (w->forever)
		buf_puts(out, "for good");
	else
		buf_printf(out, "until %.10s", time.p);
	buf_printf(out, ": %.*s", STR_ARG(str_trim(w->reason)));
}
