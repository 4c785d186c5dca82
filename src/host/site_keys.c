/* SPDX-License-Identifier: Apache-2.0 */
/* Public keys of administrators. */
#include "host/site_private.h"
#include "host/ssh_key.h"

#define MAX_KEYS 64 /* of one user */

static bool is_admin(const struct site_file *site, struct str name)
{
	for (size_t i = 0; i < site->admins.users.n; i++)
		if (str_eq(site->admins.users.p[i], name))
			return true;
	return false;
}

static int parse_key(struct site_parse *p, struct yaml_at at, struct str user)
{
	struct ssh_key_line line;
	struct str text;

	if (yaml_str(at, &text, p->err) < 0)
		return -EINVAL;
	text = str_trim(text);
	if (str_has_char(text, '\n') || str_has_char(text, '\r') ||
		!ssh_key_line_parse(p->arena, text, &line))
		return yaml_err(at, p->err,
						"this is no public key: expected a line as in authorized_keys, "
						"'ssh-ed25519 AAAA... NAME'");
	if (line.key.certificate)
		return yaml_err(at, p->err, "this is a certificate: expected a public key");
	*vec_push(p->arena, &p->site->admins.keys) = (struct site_key){user, text, at};
	return 0;
}

static int parse_user(struct site_parse *p, struct yaml_at key, struct yaml_at list)
{
	struct yaml_iter it = yaml_iter(list);
	struct str user = yaml_text(key);
	int r;

	if (!is_admin(p->site, user))
		return yaml_err(key, p->err, "'%.*s' is none of the users of 'admins'", STR_ARG(user));
	if (yaml_kind(list) != YAML_LIST)
		return yaml_err(list, p->err,
						"expected a list of public keys, as ['ssh-ed25519 AAAA... NAME']");
	r = site_check_list(p, list, MAX_KEYS);
	while (r == 0 && yaml_next(&it))
		r = parse_key(p, it.value, user);
	return r;
}

int site_parse_keys(struct site_parse *p, struct yaml_at map)
{
	struct yaml_iter it = yaml_iter(map);
	int r = 0;

	if (yaml_kind(map) != YAML_MAP)
		return yaml_err(map, p->err, "expected {NAME: [public key, ...]}, found %s",
						yaml_kind_name(map));
	while (r == 0 && yaml_next(&it))
		r = parse_user(p, it.key, it.value);
	return r;
}
