/* SPDX-License-Identifier: Apache-2.0 */
/* What is in force of the assignments in a unit file and its drop-ins. */
#include "host/unitfile.h"

#include "base/vec.h"
#include "host/secret.h"

struct unit_values unitfile_values(const struct unit_file *u, struct arena *a, const char *section,
								   const char *key)
{
	struct unit_values values = {0};
	VEC(const struct conf_item *) items = {0};

	for (size_t i = 0; i < u->conf.n; i++) {
		const struct conf_item *item = &u->conf.items[i];

		if (!str_is(item->section, section) || !str_is(item->key, key))
			continue;
		if (item->value.n) {
			*vec_push(a, &items) = item;
		} else {
			items.n = 0;
			values.reset = true;
		}
	}
	values.items = items.p;
	values.n = items.n;
	return values;
}

struct str unitfile_value(const struct unit_file *u, const char *section, const char *key,
						  const struct conf_item **ret_item)
{
	const struct conf_item *item = conf_last(&u->conf, section, key);

	if (ret_item)
		*ret_item = item;
	return item && item->value.n ? item->value : STR_ABSENT;
}

bool unitfile_true(struct str s)
{
	return str_is_one_of_nocase(s, NAMES("1", "yes", "y", "true", "t", "on"));
}

bool unitfile_false(struct str s)
{
	return str_is_one_of_nocase(s, NAMES("0", "no", "n", "false", "f", "off"));
}

struct str unitfile_user(const struct unit_file *u)
{
	struct str user = unitfile_value(u, "Service", "User", NULL);

	if (user.p)
		return user;
	if (unitfile_true(unitfile_value(u, "Service", "DynamicUser", NULL)))
		return (struct str){u->name.p, u->name.n - strlen(".service")};
	return STR("root");
}

/* Without the prefixes that change how a command is run (systemd.service(5)), nor the name that '@'
 * has the program believe it was started by. */
static struct str command(struct str line, struct arena *a)
{
	struct str program, name;
	bool named = false;

	for (; line.n && line.p[0] && strchr("@-:+!|", line.p[0]); line.p++, line.n--)
		named = named || line.p[0] == '@';
	if (!named || !str_word(&line, &program) || !str_word(&line, &name))
		return line;
	line = str_trim(line);
	return str_of(
		arena_printf(a, "%.*s%s%.*s", STR_ARG(program), line.n ? " " : "", STR_ARG(line)));
}

struct str unitfile_exec_start(const struct unit_file *u, struct arena *a)
{
	struct unit_values values = unitfile_values(u, a, "Service", "ExecStart");
	VEC(struct str) lines = {0};

	for (size_t i = 0; i < values.n; i++)
		*vec_push(a, &lines) = command(values.items[i]->value, a);
	return secret_masked(a, str_join(a, lines.p, lines.n, " ; "));
}
