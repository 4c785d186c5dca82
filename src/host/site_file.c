/* SPDX-License-Identifier: Apache-2.0 */
#include "host/site_file.h"

#include "base/num.h"
#include "host/value.h"

#define DAY 86400

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

static int parse_waivers(struct yaml_at list, struct arena *a, struct site_file *site, struct err *err)
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

static int parse_site(struct yaml_at root, struct arena *a, struct site_file *site, struct err *err)
{
	static const char *const keys[] = {"profile", "parameters", "waivers", NULL};
	struct yaml_at node;
	int r;

	r = yaml_check_keys(root, keys, err);
	if (r == 0 && yaml_get(root, "profile", &site->profile_at))
		r = yaml_str(site->profile_at, &site->profile, err);
	if (r == 0 && yaml_get(root, "parameters", &site->parameters) &&
		yaml_kind(site->parameters) != YAML_MAP)
		r = yaml_err(site->parameters, err, "expected {name: value, ...}, found %s",
					 yaml_kind_name(site->parameters));
	if (r == 0 && yaml_get(root, "waivers", &node))
		r = parse_waivers(node, a, site, err);
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
	*ret = (struct site_file){0};
	if (is_all_comments(text))
		return 0;
	if (yaml_parse(text, name, a, &ret->doc, err) < 0)
		return -EINVAL;
	return parse_site(YAML_ROOT(&ret->doc), a, ret, err);
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
