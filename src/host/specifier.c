/* SPDX-License-Identifier: Apache-2.0 */
#include "host/specifier.h"

#include "base/buf.h"

#define MAX_VALUE (64 << 10)

static const struct {
	char c;
	const char *text;
} fixed[] = {
	{'%', "%"},     {'u', "root"}, {'U', "0"},        {'g', "root"},       {'G', "0"},
	{'h', "/root"}, {'t', "/run"}, {'S', "/var/lib"}, {'C', "/var/cache"}, {'L', "/var/log"},
	{'E', "/etc"},  {'T', "/tmp"}, {'V', "/var/tmp"},
};

static struct str without_suffix(struct str unit)
{
	const char *dot = unit.n ? memrchr(unit.p, '.', unit.n) : NULL;

	return dot ? (struct str){unit.p, (size_t)(dot - unit.p)} : unit;
}

struct str specifier_prefix(struct str unit)
{
	struct str name = without_suffix(unit), prefix = STR_ABSENT;

	(void)str_cut(&name, '@', &prefix);
	return prefix;
}

static struct str instance_of(struct str unit)
{
	struct str name = without_suffix(unit), prefix;

	return str_has_char(name, '@') && str_cut(&name, '@', &prefix) ? name : STR("");
}

static struct str last_component(struct str prefix)
{
	const char *dash = prefix.n ? memrchr(prefix.p, '-', prefix.n) : NULL;

	return dash ? (struct str){dash + 1, prefix.n - (size_t)(dash + 1 - prefix.p)} : prefix;
}

/* What a unit's name escapes of a path: then the unescaped one differs. */
static bool is_escaped(struct str s)
{
	return str_has_char(s, '-') || str_has_char(s, '\\');
}

static bool of_name(struct str unit, char c, struct str *ret)
{
	switch (c) {
	case 'n':
		*ret = unit;
		return true;
	case 'N':
		*ret = without_suffix(unit);
		return true;
	case 'p':
	case 'P':
		*ret = specifier_prefix(unit);
		return c == 'p' || !is_escaped(*ret);
	case 'i':
	case 'I':
		*ret = instance_of(unit);
		return c == 'i' || !is_escaped(*ret);
	case 'j':
	case 'J':
		*ret = last_component(specifier_prefix(unit));
		return c == 'j' || !is_escaped(*ret);
	default:
		return false;
	}
}

static bool one(struct str unit, char c, struct str *ret)
{
	for (size_t i = 0; i < ARRAY_LEN(fixed); i++)
		if (fixed[i].c == c) {
			*ret = str_of(fixed[i].text);
			return true;
		}
	return of_name(unit, c, ret);
}

bool specifier_expand(struct arena *a, struct str unit, struct str value, struct str *ret)
{
	_cleanup_buf_ struct buf out = BUF(MAX_VALUE);
	struct str text;

	if (!str_has_char(value, '%')) {
		*ret = value;
		return true;
	}
	for (size_t i = 0; i < value.n; i++) {
		if (value.p[i] != '%' || i + 1 == value.n) {
			buf_putc(&out, value.p[i]);
			continue;
		}
		if (!one(unit, value.p[++i], &text))
			return false;
		buf_str(&out, text);
	}
	*ret = (struct str){arena_copy(a, out.p ? out.p : "", out.n), out.n};
	return !out.full;
}
